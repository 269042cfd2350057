// Passwords: bcrypt (`$2b$`) by libxcrypt over HMAC-SHA-384 of the password in base64, so that
// neither bcrypt's limit of 72 bytes nor a NUL makes two passwords interchangeable (OWASP Password
// Storage). Used by login and by the commands that set passwords.
//
// Hashing and verifying take about 250 ms of CPU at the default cost: call them on a pool, never on
// an event loop.  Thread-safe.
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace mk8s::auth {

inline constexpr int kBcryptCost = 12;
inline constexpr int kBcryptCostMin = 4;   // what bcrypt allows; tests use it
inline constexpr int kBcryptCostMax = 16;  // about 4 s

/// Whether `password` may be chosen: limits::kPasswordBytesMin to kPasswordBytesMax bytes.
/// Error: kInvalidArgument, naming the bound.
Result<void> CheckPasswordRules(const Secret& password);

/// A "$2b$" string with a new salt.  Does not check the rules.  Error: kInternal.
Result<std::string> HashPassword(const Secret& password, int cost = kBcryptCost);

/// Whether `password` is the one hashed.  An empty or malformed `hash` costs as much time as a good
/// one of the default cost and gives false.
bool VerifyPassword(const Secret& password, const std::string& hash);

/// Spends the time of VerifyPassword, for e-mails that nobody has.
void DummyVerify(const Secret& password, int cost = kBcryptCost);

/// For first start and password resets: 120 random bits in groups that can be read out, without
/// letters that look alike, "k7mq-...".
Secret GenerateOneTimePassword();

}  // namespace mk8s::auth
