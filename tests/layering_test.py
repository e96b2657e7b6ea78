#!/usr/bin/env python3
"""A folder of src/ includes only folders below it (CONTRIBUTING.md, "Where things go"), and a library's headers stay in one folder."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BASICS = {"base", "encoding", "crypto", "http", "jose"}
MAY_USE = {
    "base": set(),
    "encoding": {"base"},
    "crypto": {"base", "encoding"},
    "http": {"base", "encoding"},
    "jose": {"base", "encoding", "crypto", "http"},
    "dpop": BASICS,
    "cedar": {"base", "encoding"},
    "json_schema": {"base", "encoding"},
    "oauth": BASICS,
    "audit": {"base", "encoding", "crypto"},
    "telemetry": BASICS | {"audit"},
    "registry": BASICS | {"oauth", "audit"},
    "audit_export": BASICS | {"audit", "registry"},
    "nodes": BASICS | {"audit", "registry"},
    "mcp": BASICS,
    "policy": BASICS | {"cedar", "json_schema", "registry", "audit"},
    "authzen": BASICS | {"oauth", "audit", "registry", "policy"},
    "scim": BASICS | {"audit", "registry"},
    "id_jag": BASICS | {"oauth"},
    "saml": BASICS,
    "approvals": BASICS | {"audit", "registry", "policy"},
    "linked_accounts": BASICS | {"audit", "registry"},
    "client_metadata": BASICS | {"oauth", "audit", "registry"},
    "signals": BASICS | {"audit", "registry"},
    "token_service": BASICS | {"dpop", "oauth", "audit", "registry", "policy", "approvals", "linked_accounts", "id_jag", "saml", "signals", "client_metadata"},
    "upstreams": BASICS | {"dpop", "oauth", "audit", "telemetry", "registry", "mcp", "client"},
    "gateway": BASICS | {"dpop", "oauth", "audit", "telemetry", "registry", "json_schema", "policy", "approvals", "mcp", "upstreams"},
    "demo_server": BASICS | {"mcp"},
    "client": BASICS | {"dpop", "oauth", "mcp"},
    "bridge": BASICS | {"dpop", "oauth", "mcp", "client"},
    "config": BASICS | {"oauth", "registry", "policy"},
    "doctor": BASICS | {"registry", "config"},
    "admin": BASICS | {"dpop", "oauth", "audit", "registry", "policy", "approvals", "linked_accounts", "token_service", "config"},
}
# Third-party headers and the only folders that may include them.
CONFINED = {
    r"openssl/": {"crypto", "adapters/net"},   # TLS apart
    r"argon2\.h": {"crypto"},
    r"p11-kit/": {"crypto"},
    r"simdjson": {"encoding"},
    r"boost/": {"adapters/net"},
    r"curl/": {"adapters/outgoing"},
    r"sqlite3\.h": {"adapters/sqlite"},
    r"libpq": {"adapters/postgresql"},
    r"yaml-cpp/": {"adapters/yaml"},
    r"re2/": {"json_schema"},
    r"libxml/": {"saml"},
    r"xmlsec/": {"saml"},
}
# Whoever says yes or no implements policy::Policy. The one that does is the Cedar policy; the other denies everything before there is one.
DECIDERS = {"src/policy/cedar_policy.h", "src/policy/decision.cpp"}
# Whoever else is asked implements policy::DecisionPoints: only after policy has allowed, and only to take away (docs/decisions/0022). One
# implementation, so that no second place grows that says yes.
ASKED_IN_ADDITION = {"src/authzen/external_decision_points.h"}
DOMAINS = ("token_service/idp", "token_service/resource_as")


def folder_of(path: pathlib.Path) -> str:
    parts = path.relative_to(ROOT / "src").parts
    return "/".join(parts[:2]) if parts[0] == "adapters" else parts[0]


def problems_of(where: str, folder: str, is_test: bool, number: int, quote: str, header: str):
    for pattern, owners in CONFINED.items():
        if re.match(pattern, header) and folder not in owners:
            yield f"{where}:{number}: `{header}` belongs to {', '.join(sorted(owners))} alone: ask for what you need there"
    if quote != '"' or is_test:
        return
    parts = header.split("/")
    used = "/".join(parts[:2]) if parts[0] == "adapters" else parts[0]
    if folder.startswith("adapters/"):
        if used.startswith("adapters/") and used != folder:
            yield f"{where}:{number}: adapters do not include each other (`{header}`)"
    elif used.startswith("adapters/"):
        yield f"{where}:{number}: src/{folder} may not include an adapter (`{header}`): declare an interface here, let the adapter implement it"
    elif used in MAY_USE and used != folder and used not in MAY_USE.get(folder, set()):
        yield f"{where}:{number}: src/{folder} may not include src/{used} (`{header}`): dependencies point downwards"
    for mine, other in (DOMAINS, DOMAINS[::-1]):
        if where.startswith(f"src/{mine}/") and header.startswith(other + "/"):
            yield f"{where}:{number}: IdP and resource authorization server are two trust domains: they meet in id_jag/ and over HTTP"


def main() -> int:
    problems = []
    files = 0
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix not in {".h", ".cpp"}:
            continue
        files += 1
        where = str(path.relative_to(ROOT))
        is_test = path.name.endswith(("_test.cpp", "_fuzz.cpp", "_fixture.h"))
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if not is_test and where not in DECIDERS and re.search(r":\s*public\s+(?:policy::)?Policy\b", line):
                problems.append(f"{where}:{number}: decisions are made by the Cedar policy alone (src/policy/cedar_policy.h)")
            if not is_test and where not in ASKED_IN_ADDITION and re.search(r":\s*public\s+(?:policy::)?DecisionPoints\b", line):
                problems.append(f"{where}:{number}: decision points elsewhere are asked by src/authzen alone")
            found = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
            if found:
                problems += problems_of(where, folder_of(path), is_test, number, found[1], found[2])
    print("\n".join(problems + [f"layering: {files} files, {len(problems)} problems"]))
    return 1 if problems or not files else 0


if __name__ == "__main__":
    sys.exit(main())
