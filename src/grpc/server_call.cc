// See server_call.h.
#include "grpc/server_call.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/text.h"

namespace mk8s::grpc {

void ServerCall::Start(Timer& timer, bool end) {
  request_ended_ = end;
  if (head_.method != "POST") return Refuse(405);
  if (!IsGrpcContentType(head_.fields.Get("content-type"))) return Refuse(415);
  if (auto checked = CheckHead(); !checked) return Finish(std::move(checked));
  if (timeout_) {
    deadline_ = timer.After(*timeout_, [weak = weak_from_this()] {
      if (const auto call = weak.lock()) call->OnDeadline();
    });
  }
  if (end) OnEnd({});
}

Result<void> ServerCall::CheckHead() {
  if (method_ == nullptr) {
    return MakeError(ErrorCode::kUnimplemented,
                     "Method " + Printable(head_.target, 200) + " is not known here.");
  }
  if (head_.fields.Find("grpc-encoding").value_or("identity") != "identity") {
    return MakeError(ErrorCode::kUnimplemented, "Only the identity encoding is taken.");
  }
  if (const auto text = head_.fields.Find("grpc-timeout")) {
    MK8S_ASSIGN_OR_RETURN(timeout_, ParseTimeout(*text));
  }
  return {};
}

// Not gRPC at all: plain HTTP is the answer.
void ServerCall::Refuse(int http_status) {
  ended_ = true;
  stream_->SendHead({.status = http_status, .fields = {{"content-length", "0"}}}, true);
  if (!request_ended_) stream_->Reset(http::ResetReason::kNoError);
}

void ServerCall::OnBody(std::string_view bytes) {
  stream_->Consume(bytes.size());
  if (ended_) return;
  bool second = false;
  const auto read = reader_.Push(bytes, [&](std::string message) {
    second = second || request_.has_value();
    request_ = std::move(message);
  });
  if (!read) return Finish(read.error());
  if (second) {
    Finish(MakeError(ErrorCode::kInvalidArgument, "The method takes one message, not several."));
  }
}

void ServerCall::OnEnd(const http::Fields&) {
  request_ended_ = true;
  if (ended_) return;
  if (!request_ || reader_.InMessage()) {
    return Finish(
        MakeError(ErrorCode::kInvalidArgument, "The request's message is missing or cut off."));
  }
  Dispatch();
}

void ServerCall::Dispatch() {
  std::string request = std::move(*request_);
  if (method_->streaming) return method_->streaming(std::move(request), shared_from_this());
  method_->unary(*this, std::move(request), [self = shared_from_this()](Result<std::string> reply) {
    if (reply) {
      self->Write(*reply);
      self->Finish({});
    } else {
      self->Finish(std::move(reply).error());
    }
  });
}

void ServerCall::OnReset(http::ResetReason) {
  if (!ended_) Cancelled();
}

void ServerCall::OnDeadline() {
  if (ended_) return;
  const auto self = shared_from_this();
  if (unsent_bytes_ > 0) {
    // The status would wait behind a body that the client does not take.
    stream_->Reset(http::ResetReason::kCancel);
    return Cancelled();
  }
  auto on_cancelled = std::exchange(on_cancelled_, nullptr);
  cancelled_ = true;
  Finish(MakeError(ErrorCode::kDeadlineExceeded, "The call did not end within its deadline."));
  if (on_cancelled) on_cancelled();
}

void ServerCall::Cancelled() {
  const auto self = shared_from_this();
  cancelled_ = ended_ = true;
  const auto on_cancelled = std::exchange(on_cancelled_, nullptr);
  Release();
  if (on_cancelled) on_cancelled();
}

void ServerCall::OnCancelled(std::function<void()> fn) {
  if (!ended_) on_cancelled_ = std::move(fn);
}

void ServerCall::OnWritable(std::function<void()> fn) {
  if (!ended_) on_writable_ = std::move(fn);
}

bool ServerCall::Write(std::string_view message) {
  if (ended_) return false;
  if (!std::exchange(head_sent_, true)) {
    stream_->SendHead({.status = 200,
                       .fields = {{"content-type", std::string(kContentType)},
                                  {"grpc-accept-encoding", "identity"}}},
                      false);
  }
  const auto prefix = MessagePrefix(message.size());
  unsent_bytes_ += prefix.size() + message.size();
  stream_->SendBody({prefix.data(), prefix.size()});
  stream_->SendBody(message);
  full_ = unsent_bytes_ >= limits::kSendQueueBytes;
  return !full_;
}

void ServerCall::OnSent(std::size_t bytes) {
  unsent_bytes_ -= std::min(bytes, unsent_bytes_);
  if (ended_ || !full_ || unsent_bytes_ >= limits::kSendQueueBytes / 2) return;
  full_ = false;
  if (!on_writable_) return;
  const auto on_writable = on_writable_;  // may replace itself
  on_writable();
}

void ServerCall::Finish(Result<void> result) {
  if (ended_) return;
  ended_ = true;
  if (!result && !result.error().detail.empty()) {
    log::Info("call failed", {{"method", head_.target}, {"error", result.error()}});
  }
  http::Fields status = StatusFields(result);
  if (head_sent_) {
    stream_->SendEnd(status);
  } else {
    status.Add("content-type", kContentType);
    status.Add("grpc-accept-encoding", "identity");
    stream_->SendHead({.status = 200, .fields = std::move(status)}, true);
  }
  if (!request_ended_) stream_->Reset(http::ResetReason::kNoError);
  Release();
}

// What callbacks captured may hold this call.
void ServerCall::Release() {
  deadline_.reset();
  on_cancelled_ = nullptr;
  on_writable_ = nullptr;
}

}  // namespace mk8s::grpc
