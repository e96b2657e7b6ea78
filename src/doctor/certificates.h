#pragma once

#include "crypto/certificate_chain.h"
#include "doctor/report.h"

namespace writ::doctor {

// The certificate of a listener. `where`: "the public listener's certificate `/etc/writ/cert.pem`".
void judge_certificate(Report& report, const std::string& where, const crypto::CertificateChain& chain, Instant now);

}  // namespace writ::doctor
