#pragma once

// SAML assertions of an upstream provider (docs/reference/saml.md): exchanged for a refresh token of ours, or directly as the subject of an ID-JAG
// (draft §SAML; decision 0039).

#include "token_service/idp/federation/direct_subject.h"

namespace writ::token_service::idp {

// A token exchange with an assertion for a refresh token.
bool is_assertion_exchange(const TokenRequest& request);

// An assertion is good for one refresh token: its ID is claimed in the step that writes the record.
Task<Outcome> exchange_assertion(const Idp& idp, const TokenRequest& request, const Client& client);

// An assertion as subject token of an ID-JAG. It may be presented again while it is valid, as an ID token may (IDJAG-130), unless it says OneTimeUse.
Task<DirectOutcome> find_assertion_subject(const Idp& idp, const TokenRequest& request, const Client& client);

}  // namespace writ::token_service::idp
