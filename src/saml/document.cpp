#include <libxml/xmlIO.h>

#include "encoding/utf8.h"
#include "saml/verified_assertion.h"
#include "saml/xml.h"

namespace writ::saml {
namespace {

// What stopped the parser. It is stopped at the first thing that an assertion has no use for, before anything is made of it.
struct Watch {
  std::optional<Problem> problem;
  int depth = 0;
};

void stop(void* context, Problem problem) {
  auto* parser = static_cast<xmlParserCtxt*>(context);
  auto& watch = *static_cast<Watch*>(parser->_private);
  if (!watch.problem) watch.problem = problem;
  xmlStopParser(parser);
}

void on_document_type(void* context, const xmlChar*, const xmlChar*, const xmlChar*) { stop(context, Problem::document_type); }
void on_instruction(void* context, const xmlChar*, const xmlChar*) { stop(context, Problem::processing_instruction); }
void on_comment(void* context, const xmlChar*) { stop(context, Problem::comment); }
void on_cdata(void* context, const xmlChar*, int) { stop(context, Problem::cdata); }
void on_reference(void* context, const xmlChar*) { stop(context, Problem::not_well_formed); }

void on_start(void* context, const xmlChar* name, const xmlChar* prefix, const xmlChar* space, int spaces_count, const xmlChar** spaces, int count, int defaulted,
              const xmlChar** attributes) {
  auto* parser = static_cast<xmlParserCtxt*>(context);
  if (++static_cast<Watch*>(parser->_private)->depth > kDepthMax) return stop(context, Problem::too_deep);
  xmlSAX2StartElementNs(context, name, prefix, space, spaces_count, spaces, count, defaulted, attributes);
}
void on_end(void* context, const xmlChar* name, const xmlChar* prefix, const xmlChar* space) {
  --static_cast<Watch*>(static_cast<xmlParserCtxt*>(context)->_private)->depth;
  xmlSAX2EndElementNs(context, name, prefix, space);
}

struct ParserFree {
  void operator()(xmlParserCtxt* parser) const { xmlFreeParserCtxt(parser); }
};

}  // namespace

xmlNode* following_element(xmlNode* node, const xmlNode* root) {
  if (xmlNode* child = first_element(node)) return child;
  while (node != root) {
    if (xmlNode* sibling = next_element(node->next)) return sibling;
    node = node->parent;
  }
  return nullptr;
}

std::optional<std::string> attribute(const xmlNode* element, const char* name) {
  for (const xmlAttr* one = element->properties; one; one = one->next) {
    if (one->ns || view(one->name) != name) continue;
    std::string value;
    for (const xmlNode* part = one->children; part; part = part->next) {
      if (part->type != XML_TEXT_NODE) return std::nullopt;
      value += view(part->content);
    }
    return value;
  }
  return std::nullopt;
}

std::optional<std::string> text_of(const xmlNode* element) {
  std::string text;
  for (const xmlNode* part = element->children; part; part = part->next) {
    if (part->type != XML_TEXT_NODE) return std::nullopt;
    text += view(part->content);
  }
  return text;
}

Result<Document, Problem> parse_document(std::string_view text) {
  prepare_libraries();
  if (text.size() > kBytesMax) return unexpected(Problem::too_large);
  // One encoding: in another one the same bytes are another document, and what was looked for by one reader stands elsewhere for the next.
  if (text.empty() || !utf8::is_valid(text)) return unexpected(Problem::not_utf8);
  const std::unique_ptr<xmlParserCtxt, ParserFree> parser(xmlNewParserCtxt());
  if (!parser) return unexpected(Problem::not_well_formed);
  Watch watch;
  parser->_private = &watch;
  parser->sax->internalSubset = on_document_type;
  parser->sax->externalSubset = on_document_type;
  parser->sax->processingInstruction = on_instruction;
  parser->sax->comment = on_comment;
  parser->sax->cdataBlock = on_cdata;
  parser->sax->reference = on_reference;
  parser->sax->startElementNs = on_start;
  parser->sax->endElementNs = on_end;
  constexpr int kOptions = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_IGNORE_ENC | XML_PARSE_NOXINCNODE;
  Document document(xmlCtxtReadMemory(parser.get(), text.data(), static_cast<int>(text.size()), nullptr, "UTF-8", kOptions));
  if (watch.problem) return unexpected(*watch.problem);
  if (!document || !parser->wellFormed || !parser->nsWellFormed || !xmlDocGetRootElement(document.get())) return unexpected(Problem::not_well_formed);
  if (document->intSubset || document->extSubset) return unexpected(Problem::document_type);
  return document;
}

}  // namespace writ::saml
