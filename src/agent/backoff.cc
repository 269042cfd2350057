// See backoff.h.
#include "agent/backoff.h"

#include <algorithm>
#include <random>
#include <utility>

#include "base/limits.h"

namespace mk8s::agent {
namespace {

using std::chrono::milliseconds;

std::function<double()> SystemRandom() {
  return [engine = std::mt19937_64(std::random_device{}())]() mutable {
    return std::uniform_real_distribution<double>(0, 1)(engine);
  };
}

milliseconds Between(milliseconds low, milliseconds high, double part) {
  return low + milliseconds(static_cast<milliseconds::rep>(
                   part * static_cast<double>((high - low).count())));
}

}  // namespace

Backoff::Backoff(const Clock& clock, std::function<double()> random)
    : clock_(clock), random_(random ? std::move(random) : SystemRandom()) {}

milliseconds Backoff::Next() {
  const auto up_since = std::exchange(up_since_, std::nullopt);
  if (up_since && clock_.Monotonic() - *up_since >= kStableAfter) attempts_ = 0;
  constexpr int kDoublingsMax = 16;
  attempts_ = std::min(attempts_ + 1, kDoublingsMax);
  const milliseconds ceiling =
      std::min(limits::kReconnectMax, limits::kReconnectMin * (std::int64_t{1} << attempts_));
  return Between(limits::kReconnectMin, ceiling, random_());
}

milliseconds Backoff::AfterRefusal() {
  up_since_.reset();
  return Between(limits::kReconnectMax * 3 / 4, limits::kReconnectMax, random_());
}

}  // namespace mk8s::agent
