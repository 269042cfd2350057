// See resource_scopes.h.
#include "central/resource_scopes.h"

#include <memory>
#include <utility>

#include "base/limits.h"
#include "base/log.h"
#include "kube/resource_list.h"

namespace mk8s::central {
namespace {

std::string KeyOf(const std::string& cluster_id, const Attributes& attributes) {
  return cluster_id + "\n" + attributes.api_group + "\n" + attributes.api_version + "\n" +
         attributes.resource;
}

class DiscoveryCall : public http::ResponseEvents {
 public:
  DiscoveryCall(std::string resource, std::function<void(std::optional<bool>)> done)
      : resource_(std::move(resource)), done_(std::move(done)) {}

  void Hold(std::shared_ptr<http::Stream> stream) { stream_ = std::move(stream); }

  void OnHead(http::ResponseHead head, bool end) override {
    found_ = head.status == 200;
    if (end) Tell(std::nullopt);
  }
  void OnBody(std::string_view bytes) override {
    if (!stream_) return;
    if (body_.size() + bytes.size() > limits::kResourceListBytesMax) {
      stream_->Reset(http::ResetReason::kCancel);
      return Tell(std::nullopt);
    }
    body_ += bytes;
    stream_->Consume(bytes.size());
  }
  void OnEnd(const http::Fields&) override {
    if (!found_) return Tell(std::nullopt);
    const Result<std::optional<bool>> namespaced = kube::IsNamespaced(body_, resource_);
    if (!namespaced) log::Warn("discovery not read", {{"error", namespaced.error()}});
    Tell(namespaced ? *namespaced : std::nullopt);
  }
  void OnReset(http::ResetReason reason) override {
    if (done_) log::Warn("discovery not answered", {{"reset", std::string(Name(reason))}});
    Tell(std::nullopt);
  }
  void OnSent(std::size_t) override {}

 private:
  void Tell(std::optional<bool> namespaced) {
    stream_.reset();
    if (const auto done = std::exchange(done_, nullptr)) done(namespaced);
  }

  std::string resource_;
  std::function<void(std::optional<bool>)> done_;
  std::shared_ptr<http::Stream> stream_;
  std::string body_;
  bool found_ = false;
};

}  // namespace

std::optional<bool> ResourceScopes::IsNamespaced(const std::string& cluster_id,
                                                 const Attributes& attributes) {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(KeyOf(cluster_id, attributes));
  if (found == known_.end() || found->second.until < clock_.Monotonic()) return std::nullopt;
  return found->second.namespaced;
}

void ResourceScopes::Learn(const std::string& cluster_id, const Attributes& attributes,
                           bool namespaced) {
  const std::lock_guard lock(mutex_);
  if (known_.size() >= limits::kResourceScopesMax) known_.clear();
  known_[KeyOf(cluster_id, attributes)] = {namespaced,
                                           clock_.Monotonic() + limits::kResourceScopeLife};
}

void AskResourceScope(http::ClientSession& session, gateway::TunnelRequest identity,
                      const Attributes& attributes, std::function<void(std::optional<bool>)> done) {
  identity.head = {.method = "GET",
                   .authority = std::move(identity.head.authority),
                   .target = kube::ResourceListPath(attributes),
                   .fields = {{"accept", "application/json"}}};
  const auto call = std::make_shared<DiscoveryCall>(attributes.resource, std::move(done));
  call->Hold(session.Send(gateway::EncodeForTunnel(identity), true, call));
}

}  // namespace mk8s::central
