// See control.h.
#include "agent/control.h"

#include <random>

#include "base/limits.h"
#include "base/log.h"
#include "grpc/client.h"

namespace mk8s::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kCallDeadline{15};
// A certificate that central's TLS refuses shows only as a lost connection: register again then.
constexpr int kLostInRowMax = 3;

// +-20 %, so that agents that started together do not beat together.
milliseconds Jittered(milliseconds interval) {
  thread_local std::mt19937 engine(std::random_device{}());
  const double factor = std::uniform_real_distribution<double>(0.8, 1.2)(engine);
  return milliseconds(
      static_cast<milliseconds::rep>(static_cast<double>(interval.count()) * factor));
}

// Whether central refuses this agent, as opposed to not being able to answer.
bool IsRefusal(const Error& error) {
  return error.code == ErrorCode::kUnauthenticated || error.code == ErrorCode::kPermissionDenied ||
         error.code == ErrorCode::kFailedPrecondition || error.code == ErrorCode::kNotFound ||
         error.code == ErrorCode::kInvalidArgument;
}

}  // namespace

Control::Control(net::Loop& loop, const config::AgentConfig& config, const CentralTls& tls,
                 net::DialTarget central, const ClusterFacts& facts, Status& status,
                 ControlEvents events)
    : loop_(loop),
      config_(config),
      tls_(tls),
      central_(std::move(central)),
      facts_(facts),
      status_(status),
      events_(std::move(events)),
      grpc_timer_(loop) {}

void Control::TunnelLost() {
  if (!worked_ || calling_ || session_ == nullptr) return;
  next_.Cancel();
  Heartbeat();
}

void Control::Stop() {
  next_.Cancel();
  CloseConnection();
}

// Dials central; `on_open` may Call.  A failure goes to Failed, a later loss to OnLost.
void Control::Open(const net::TlsIdentity& identity, OnOpen on_open) {
  CloseConnection();
  next_.Cancel();
  auto context = tls_.Context(identity, net::kAlpnHttp2);
  if (!context) return Failed("cannot use the certificate", context.error(), Failure::kTransient);
  net::Dial(loop_, central_, std::move(*context), limits::kDialDeadline,
            [this, attempt = ++attempt_,
             on_open = std::move(on_open)](Result<std::shared_ptr<net::Connection>> dialed) {
              if (attempt == attempt_) return OnDialed(std::move(dialed), on_open);
              if (dialed) (*dialed)->Close();
            });
}

void Control::OnDialed(Result<std::shared_ptr<net::Connection>> dialed, const OnOpen& on_open) {
  if (dialed && (*dialed)->alpn() != net::kAlpnHttp2) {
    (*dialed)->Close();
    dialed = MakeError(ErrorCode::kFailedPrecondition,
                       "what answers there is not central's port for agents (grpc_port)");
  }
  if (!dialed) {
    Error why = std::move(dialed).error();
    if (!net::PeerFingerprint(why).empty()) {
      why.message += "; set tls.ca_file to central's ca.crt";
    }
    return Failed("cannot reach central", why, Failure::kTransient);
  }
  connection_ = std::move(*dialed);
  auto session = h2::Session::Client();
  session_ = session.get();
  worked_ = calling_ = false;
  net::Deadlines deadlines = net::Deadlines::Client();
  deadlines.ping_interval = limits::kPingInterval;
  connection_->Attach(std::move(session), deadlines);
  connection_->SetOnClosed([this, attempt = attempt_](const Error& why) {
    if (attempt == attempt_) OnLost(why);
  });
  on_open();
}

void Control::Call(std::string_view path, std::string_view request,
                   std::function<void(Result<std::string>)> done) {
  calling_ = true;
  grpc::UnaryCall(*session_, grpc_timer_, path, request,
                  {.deadline = kCallDeadline, .authority = central_.ToString()},
                  [this, attempt = attempt_, done = std::move(done)](Result<std::string> answer) {
                    if (attempt != attempt_) return;
                    calling_ = false;
                    done(std::move(answer));
                  });
}

void Control::Register() {
  auto made = pki::CreateKeyAndCsr("mk8s-agent");
  if (!made) return Failed("cannot register", made.error(), Failure::kTransient);
  Open({}, [this, made = std::move(*made)] {
    Call(kRegisterPath,
         RegisterMessage(config_.central.token, config_.cluster.name, made.csr_der,
                         facts_.metadata(), registration_.epoch),
         [this, key_pem = made.key_pem](Result<std::string> answer) {
           OnRegistered(std::move(answer), key_pem);
         });
  });
}

void Control::OnRegistered(Result<std::string> answer, const Secret& key_pem) {
  CloseConnection();
  if (!answer) {
    const bool refused = IsRefusal(answer.error());
    return Failed(refused ? "central refuses this agent" : "cannot register with central",
                  answer.error(), refused ? Failure::kRefused : Failure::kTransient);
  }
  auto registration = ParseRegistered(*answer);
  if (!registration) {
    return Failed("cannot register with central", registration.error(), Failure::kTransient);
  }
  registration_ = std::move(*registration);
  if (const auto adopted = Adopt(registration_.certificate_pem, key_pem); !adopted) {
    return Failed("cannot register with central", adopted.error(), Failure::kTransient);
  }
  Count(status_.registrations);
  status_.registered = true;
  lost_in_row_ = 0;
  log::Info("registered with central", {{"central", central_.ToString()},
                                        {"cluster", config_.cluster.name},
                                        {"epoch", registration_.epoch},
                                        {"certificate_until", FormatTime(expires_at_)}});
  events_.on_registered(registration_, identity_);
  Connect();
}

Result<void> Control::Adopt(const std::string& chain_pem, const Secret& key_pem) {
  MK8S_ASSIGN_OR_RETURN(const pki::Validity validity, pki::ParseValidity(chain_pem));
  const WallTime now = SystemClock().Now();
  identity_ = {.chain_pem = chain_pem, .key_pem = key_pem};
  expires_at_ = validity.not_after;
  renew_at_ = now + (expires_at_ - now) * 2 / 3;
  return {};
}

void Control::Connect() {
  if (SystemClock().Now() >= expires_at_) {
    return Refused(MakeError(ErrorCode::kUnauthenticated, "the agent's certificate expired"));
  }
  Open(identity_, [this] { Heartbeat(); });
}

void Control::Heartbeat() {
  Call(kHeartbeatPath, HeartbeatMessage(registration_.epoch, facts_.metadata()),
       [this](Result<std::string> answer) { OnHeartbeat(std::move(answer)); });
}

void Control::OnHeartbeat(Result<std::string> answer) {
  if (!answer && IsRefusal(answer.error())) return Refused(answer.error());
  const auto interval =
      answer ? ParseHeartbeat(*answer) : Result<milliseconds>(std::move(answer).error());
  if (!interval) return OnLost(interval.error());
  if (!std::exchange(worked_, true)) {
    lost_in_row_ = 0;
    backoff_.Up();
    log::Info("connected to central", {{"central", central_.ToString()}});
  }
  Count(status_.heartbeats);
  if (SystemClock().Now() >= renew_at_) return Renew();
  next_ = loop_.After(Jittered(*interval), [this] { Heartbeat(); });
}

void Control::Renew() {
  const auto made = pki::CreateKeyAndCsr("mk8s-agent");
  if (!made) return Failed("cannot renew the certificate", made.error(), Failure::kTransient);
  Call(kRenewPath, RenewMessage(made->csr_der),
       [this, key_pem = made->key_pem](Result<std::string> answer) {
         OnRenewed(std::move(answer), key_pem);
       });
}

void Control::OnRenewed(Result<std::string> answer, const Secret& key_pem) {
  if (!answer && IsRefusal(answer.error())) return Refused(answer.error());
  CloseConnection();
  const auto chain = answer ? ParseRenewed(*answer) : Result<std::string>(answer.error());
  const Result<void> adopted = chain ? Adopt(*chain, key_pem) : Result<void>(chain.error());
  if (!adopted) {
    return Failed("cannot renew the certificate", adopted.error(), Failure::kTransient);
  }
  Count(status_.renewals);
  log::Info("certificate renewed", {{"certificate_until", FormatTime(expires_at_)}});
  events_.on_renewed(identity_);
  Connect();
}

void Control::OnLost(const Error& why) {
  CloseConnection();
  lost_in_row_ = worked_ ? 0 : lost_in_row_ + 1;
  if (!identity_.chain_pem.empty() && lost_in_row_ >= kLostInRowMax) {
    return Refused(MakeError(ErrorCode::kUnauthenticated,
                             "central closes every connection that shows the certificate",
                             why.message));
  }
  Failed("connection to central lost", why, Failure::kTransient);
}

// The registration is over: tell the tunnels, and begin again.  Where another agent has taken this
// one's place, not at once: two that run for one cluster would take it from each other for ever.
void Control::Refused(const Error& why) {
  CloseConnection();
  identity_ = {};
  lost_in_row_ = 0;
  status_.registered = false;
  events_.on_refused();
  Failed("central refuses this agent's certificate; it will register again", why,
         why.code == ErrorCode::kFailedPrecondition ? Failure::kRefused : Failure::kTransient);
}

void Control::Failed(const char* what, const Error& why, Failure kind) {
  Count(status_.connect_failures);
  const auto delay = kind == Failure::kRefused ? backoff_.AfterRefusal() : backoff_.Next();
  const log::Fields fields = {{"central", central_.ToString()},
                              {"cluster", config_.cluster.name},
                              {"error", why},
                              {"next_attempt_in", FormatDuration(delay)}};
  if (kind == Failure::kRefused) {
    log::Err(what, fields);
  } else {
    log::Warn(what, fields);
  }
  next_ = loop_.After(delay, [this] { identity_.chain_pem.empty() ? Register() : Connect(); });
}

void Control::CloseConnection() {
  session_ = nullptr;
  ++attempt_;
  if (const auto old = std::exchange(connection_, nullptr)) old->Close();
}

}  // namespace mk8s::agent
