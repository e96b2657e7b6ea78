#pragma once

// Inside saml/ only: ownership of libxml2's objects, and the few questions that are asked of its tree.

#include <libxml/parser.h>
#include <libxml/tree.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "saml/assertion.h"
#include "saml/problem.h"

namespace writ::saml {

inline constexpr std::string_view kSamlNamespace = "urn:oasis:names:tc:SAML:2.0:assertion";
inline constexpr std::string_view kSignatureNamespace = "http://www.w3.org/2000/09/xmldsig#";

struct DocumentFree {
  void operator()(xmlDoc* document) const { xmlFreeDoc(document); }
};
using Document = std::unique_ptr<xmlDoc, DocumentFree>;

// Once for the process, before anything else of these libraries. They are told to load nothing from anywhere.
void prepare_libraries();

inline std::string_view view(const xmlChar* text) { return text ? std::string_view(reinterpret_cast<const char*>(text)) : std::string_view(); }
inline const xmlChar* xml(const char* text) { return reinterpret_cast<const xmlChar*>(text); }

inline bool is(const xmlNode* node, std::string_view space, std::string_view name) {
  return node && node->type == XML_ELEMENT_NODE && node->ns && view(node->ns->href) == space && view(node->name) == name;
}
inline xmlNode* next_element(xmlNode* node) {
  while (node && node->type != XML_ELEMENT_NODE) node = node->next;
  return node;
}
inline xmlNode* first_element(const xmlNode* parent) { return next_element(parent->children); }

// The next element in the order of the document, below `root`; null at the end.
xmlNode* following_element(xmlNode* node, const xmlNode* root);

// Of an attribute without namespace; absent when it is not there.
std::optional<std::string> attribute(const xmlNode* element, const char* name);
// All text of an element that has nothing else in it.
std::optional<std::string> text_of(const xmlNode* element);

Result<Document, Problem> parse_document(std::string_view text);
// Pure reading of what stands there; nothing of it is believed yet.
Result<Assertion, Problem> read_assertion(const xmlNode* root);

}  // namespace writ::saml
