#pragma once

// A request on its way from the node that the client came to, to the node that has what it carries (rules §7.3). Between the two is mutual TLS: what the first says about who
// sent the request, the second believes. Everything else it judges itself, as if the client had come to it: token, proof, policy, limits, record.

#include <functional>
#include <optional>
#include <string>

#include "crypto/client_certificate.h"
#include "http/message.h"

namespace writ::gateway {

// `address`: origin of the other node's internal listener.
http::UpstreamRequest hand_on(const http::Request& request, const std::string& address);
// What hand_on() made, as the client had sent it. Absent: no node wrote that.
std::optional<http::Request> take_over(const http::Request& request);
// The other node's answer, as the client gets it: without what is about the connection between the two.
http::Headers hand_back(const http::Headers& headers);

// Of the internal listener: `gateway` answers what other nodes hand on, and nobody else is answered. `is_node` judges certificates of trusted authorities.
http::Handler for_other_nodes(http::Handler gateway, std::function<Task<bool>(const crypto::ClientCertificate&)> is_node);

}  // namespace writ::gateway
