// The table's verification must say what EVP's says: over random keys and messages, over signatures with one thing changed, and over values at
// the edges of the range.

#include "crypto/verification_table.h"

#include <gtest/gtest.h>

#include <random>

#include "crypto/key.h"
#include "encoding/json.h"
#include "encoding/shared_files_fixture.h"

namespace writ::crypto {
namespace {

using namespace std::string_view_literals;

std::unique_ptr<const VerificationTable> table_of(const PublicKey& key) { return VerificationTable::of(key.parameters().x, key.parameters().y); }

constexpr std::string_view kOrder = "\xFF\xFF\xFF\xFF\x00\x00\x00\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xBC\xE6\xFA\xAD\xA7\x17\x9E\x84\xF3\xB9\xCA\xC2\xFC\x63\x25\x51"sv;

std::string plus(std::string number, int difference) {
  for (std::size_t at = number.size(); at-- > 0;) {
    const int byte = static_cast<unsigned char>(number[at]) + difference;
    number[at] = static_cast<char>(byte & 0xFF);
    difference = byte >> 8;
    if (difference == 0) break;
  }
  return number;
}

TEST(VerificationTable, AgreesWithEvpOnWhatWasSignedAndOnOneChange) {
  std::mt19937 random(20261124);   // the same cases each time
  int agreed = 0, valid = 0;
  for (int keys = 0; keys < 12; ++keys) {
    const PrivateKey key = PrivateKey::generate(Algorithm::es256);
    const PublicKey& public_key = key.public_key();
    const auto table = table_of(public_key);
    ASSERT_TRUE(table);
    for (int i = 0; i < 60; ++i) {
      std::string message(random() % 100, '\0');
      for (char& byte : message) byte = static_cast<char>(random());
      std::string signature = key.sign(Algorithm::es256, message);
      switch (i % 4) {
        case 0: break;
        case 1: signature[random() % 64] ^= static_cast<char>(1U << (random() % 8)); break;
        case 2: message += 'x'; break;
        case 3: signature = signature.substr(32) + signature.substr(0, 32); break;
      }
      const bool expected = public_key.verify(Algorithm::es256, message, signature);
      EXPECT_EQ(table->verify(digest(DigestKind::sha256, message), signature), expected);
      ++agreed, valid += expected ? 1 : 0;
    }
  }
  EXPECT_EQ(agreed, 720);
  EXPECT_EQ(valid, 180);
}

TEST(VerificationTable, AgreesWithEvpAtTheEdgesOfTheRange) {
  const PrivateKey key = PrivateKey::generate(Algorithm::es256);
  const PublicKey& public_key = key.public_key();
  const auto table = table_of(public_key);
  ASSERT_TRUE(table);
  const std::string good = key.sign(Algorithm::es256, "message");
  const std::string zero(32, '\0'), one = plus(zero, 1), order(kOrder);
  const std::vector<std::string> edges = {zero, one, plus(one, 1), plus(order, -2), plus(order, -1), order, plus(order, 1), std::string(32, '\xFF'), public_key.parameters().x};
  for (const std::string& r : edges) {
    for (const std::string& s : edges) {
      for (const std::string& signature : {r + s, good.substr(0, 32) + s, r + good.substr(32)}) {
        EXPECT_EQ(table->verify(digest(DigestKind::sha256, "message"), signature), public_key.verify(Algorithm::es256, "message", signature));
      }
    }
  }
}

TEST(VerificationTable, RefusesOtherLengthsAndOtherKeys) {
  const PrivateKey key = PrivateKey::generate(Algorithm::es256);
  const std::string signature = key.sign(Algorithm::es256, "message");
  const auto table = table_of(key.public_key()), other = table_of(PrivateKey::generate(Algorithm::es256).public_key());
  const Digest hashed = digest(DigestKind::sha256, "message");
  EXPECT_TRUE(table->verify(hashed, signature));
  EXPECT_FALSE(other->verify(hashed, signature));
  EXPECT_FALSE(table->verify(hashed, signature.substr(1)));
  EXPECT_FALSE(table->verify(hashed, signature + '\0'));
  EXPECT_FALSE(table->verify(hashed, ""));
  EXPECT_FALSE(table->verify(digest(DigestKind::sha384, "message"), signature));
}

TEST(VerificationTable, OfAPointOffTheCurveThereIsNone) {
  const PublicKey key = PrivateKey::generate(Algorithm::es256).public_key();
  EXPECT_FALSE(VerificationTable::of(key.parameters().x, plus(key.parameters().y, 1)));
}

TEST(VerificationTable, WycheproofIsAnsweredAsMarked) {
  const auto folder = test::shared_folder("security/wycheproof");
  WRIT_SKIP_WITHOUT(folder);
  const auto file = json::parse(test::read_file(*folder / "ecdsa_secp256r1_sha256_p1363_test.json"), {.bytes_max = 4 << 20, .depth_max = 32, .members_max = 100'000});
  ASSERT_TRUE(file);
  const auto unhex = [](std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) bytes += static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16));
    return bytes;
  };
  const auto coordinate = [&](std::string_view text) {
    std::string bytes = unhex(text);
    bytes.erase(0, bytes.find_first_not_of('\0'));
    return std::string(32 - bytes.size(), '\0') + bytes;
  };
  int cases = 0, valid = 0;
  for (const json::Value& group : *file->find_array("testGroups")) {
    const json::Value& key = *group.find("publicKey");
    const auto table = VerificationTable::of(coordinate(*key.find_string("wx")), coordinate(*key.find_string("wy")));
    ASSERT_TRUE(table);
    for (const json::Value& row : *group.find_array("tests")) {
      const bool expected = *row.find_string("result") == "valid";
      EXPECT_EQ(table->verify(digest(DigestKind::sha256, unhex(*row.find_string("msg"))), unhex(*row.find_string("sig"))), expected)
          << "tcId " << *row.find_int("tcId") << " " << *row.find_string("comment");
      ++cases, valid += expected ? 1 : 0;
    }
  }
  EXPECT_EQ(cases, 262);
  EXPECT_EQ(valid, 173);
}

// Through the key itself: the answers stay the same while the table is made on the way.
TEST(VerificationTable, AKeyThatIsUsedOftenGoesOnVerifying) {
  verify_by_tables(3);
  const PrivateKey key = PrivateKey::generate(Algorithm::es256);
  const PublicKey public_key = key.public_key();
  for (int i = 0; i < 8; ++i) {
    const std::string message = "message " + std::to_string(i);
    const std::string signature = key.sign(Algorithm::es256, message);
    EXPECT_TRUE(public_key.verify(Algorithm::es256, message, signature)) << i;
    EXPECT_FALSE(public_key.verify(Algorithm::es256, message + "!", signature)) << i;
  }
  verify_by_tables(0);
  EXPECT_TRUE(public_key.verify(Algorithm::es256, "message", key.sign(Algorithm::es256, "message")));
}

}  // namespace
}  // namespace writ::crypto
