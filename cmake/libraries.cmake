# Third-party libraries, all from Debian packages (script/packages.txt, docs/dependencies.md). Their headers are system headers:
# warnings in them are silent.
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Boost 1.81 REQUIRED)   # headers only: Asio and Beast
find_package(CURL REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(PostgreSQL REQUIRED)   # libpq
find_package(yaml-cpp REQUIRED)
find_package(simdjson REQUIRED)
find_package(CLI11 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(mimalloc 2.0 REQUIRED)

find_package(PkgConfig REQUIRED)
pkg_check_modules(ARGON2 REQUIRED IMPORTED_TARGET libargon2)
# The headers of PKCS#11 alone: the module is the token's own, loaded when it is configured.
pkg_check_modules(P11KIT REQUIRED p11-kit-1)
add_library(PKCS11::Headers INTERFACE IMPORTED)
target_include_directories(PKCS11::Headers SYSTEM INTERFACE ${P11KIT_INCLUDE_DIRS})
pkg_check_modules(XMLSEC REQUIRED IMPORTED_TARGET xmlsec1-openssl)   # brings libxml2
