// Certificate requests, and the names of client certificates, as they come from outside.
#include <cstdint>
#include <cstdlib>

#include "pki/agent_identity.h"
#include "pki/csr.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace mk8s;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  if (const auto key = pki::PublicKeyOfCsr(text); key && EVP_PKEY_get_bits(key->get()) < 256) {
    std::abort();
  }
  if (const auto identity = pki::ParseAgentUri(text)) {
    if (*pki::ParseAgentUri(pki::AgentUri(*identity)) != *identity) std::abort();
  }
  return 0;
}
