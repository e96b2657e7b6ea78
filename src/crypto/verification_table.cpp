// Tables of a group's generator are deprecated in OpenSSL 3.0, and nothing replaces them: the keys of a few issuers, each used a thousand times
// a second, are what they are for.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/verification_table.h"

#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "crypto/openssl.h"

namespace writ::crypto {
namespace {

using Group = std::unique_ptr<EC_GROUP, Freed<EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, Freed<EC_POINT_free>>;
using Scratch = std::unique_ptr<BN_CTX, Freed<BN_CTX_free>>;

constexpr std::size_t kBytes = 32;

// What a verification writes into, kept by each thread.
struct Workspace {
  Scratch scratch{BN_CTX_new()};
  BigNumber r{BN_new()}, s{BN_new()}, e{BN_new()}, w{BN_new()}, u1{BN_new()}, u2{BN_new()}, x{BN_new()};
  Group group{EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)};   // with the library's own table of the curve's generator
  Point of_generator{group ? EC_POINT_new(group.get()) : nullptr}, of_key{group ? EC_POINT_new(group.get()) : nullptr};

  bool is_complete() const { return scratch && r && s && e && w && u1 && u2 && x && group && of_generator && of_key; }
};

}  // namespace

struct VerificationTable::State {
  Group group;   // the curve, with the key in the place of its generator
};

VerificationTable::VerificationTable(std::unique_ptr<State> state) : state_(std::move(state)) {}
VerificationTable::~VerificationTable() = default;

std::unique_ptr<const VerificationTable> VerificationTable::of(std::string_view x, std::string_view y) {
  const ErrorQueueGuard guard;
  auto state = std::make_unique<State>(State{Group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1))});
  EC_GROUP* const group = state->group.get();
  const Scratch scratch(BN_CTX_new());
  const BigNumber bn_x(BN_bin2bn(bytes_of(x), static_cast<int>(x.size()), nullptr)), bn_y(BN_bin2bn(bytes_of(y), static_cast<int>(y.size()), nullptr));
  const BigNumber order(group ? BN_dup(EC_GROUP_get0_order(group)) : nullptr);
  if (!group || !scratch || !bn_x || !bn_y || !order) return nullptr;
  const Point key(EC_POINT_new(group));
  const bool is_made = key && EC_POINT_set_affine_coordinates(group, key.get(), bn_x.get(), bn_y.get(), scratch.get()) == 1 &&
                       EC_GROUP_set_generator(group, key.get(), order.get(), BN_value_one()) == 1 && EC_GROUP_precompute_mult(group, scratch.get()) == 1 &&
                       EC_GROUP_have_precompute_mult(group) == 1;
  if (!is_made) return nullptr;
  return std::unique_ptr<const VerificationTable>(new VerificationTable(std::move(state)));
}

bool VerificationTable::verify(const Digest& hashed, std::string_view signature) const {
  if (hashed.size != kBytes || signature.size() != 2 * kBytes) return false;
  thread_local Workspace work;
  if (!work.is_complete()) return false;
  const ErrorQueueGuard guard;
  BN_CTX* const scratch = work.scratch.get();
  const BIGNUM* const order = EC_GROUP_get0_order(work.group.get());

  if (!BN_bin2bn(bytes_of(signature), kBytes, work.r.get()) || !BN_bin2bn(bytes_of(signature) + kBytes, kBytes, work.s.get())) return false;
  const auto is_in_range = [&](const BigNumber& number) { return !BN_is_zero(number.get()) && BN_cmp(number.get(), order) < 0; };
  if (!is_in_range(work.r) || !is_in_range(work.s)) return false;
  // w = s⁻¹, u₁ = e·w, u₂ = r·w (mod n); the digest is as long as the order.
  if (!BN_bin2bn(hashed.bytes, kBytes, work.e.get()) || !BN_mod_inverse(work.w.get(), work.s.get(), order, scratch) ||
      BN_mod_mul(work.u1.get(), work.e.get(), work.w.get(), order, scratch) != 1 || BN_mod_mul(work.u2.get(), work.r.get(), work.w.get(), order, scratch) != 1) {
    return false;
  }
  // R = u₁·G + u₂·Q must not be the point at infinity, and its x coordinate must be r (mod n).
  EC_POINT* const sum = work.of_generator.get();
  if (EC_POINT_mul(work.group.get(), sum, work.u1.get(), nullptr, nullptr, scratch) != 1 ||
      EC_POINT_mul(state_->group.get(), work.of_key.get(), work.u2.get(), nullptr, nullptr, scratch) != 1 ||
      EC_POINT_add(work.group.get(), sum, sum, work.of_key.get(), scratch) != 1 || EC_POINT_is_at_infinity(work.group.get(), sum) == 1 ||
      EC_POINT_get_affine_coordinates(work.group.get(), sum, work.x.get(), nullptr, scratch) != 1 || BN_nnmod(work.x.get(), work.x.get(), order, scratch) != 1) {
    return false;
  }
  return BN_cmp(work.x.get(), work.r.get()) == 0;
}

}  // namespace writ::crypto
