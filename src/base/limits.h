// Every bound of the project in one place, each with its reason.  What happens at the bound stands
// beside it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace mk8s::limits {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// --- HTTP messages ---
// kube-apiserver's own bound is 1 MiB of headers (Go's default); kubectl needs about 2 KiB.  Over:
// 431.
inline constexpr std::size_t kHeaderBytesMax = 64 * 1024;
inline constexpr std::size_t kHeaderFieldsMax = 256;  // over: 431
// Long label selectors reach some KiB; kubectl never passes 8 KiB.  Over: 414.
inline constexpr std::size_t kTargetBytesMax = 16 * 1024;
// REST bodies are small objects; a roles file is the largest.  Over: 413.
inline constexpr std::size_t kRestBodyBytesMax = 1024 * 1024;
// A client must finish its header section within this, so that slow ones cannot hold connections.
inline constexpr seconds kHeaderDeadline{10};
// An idle keep-alive connection without an exchange is closed after this.
inline constexpr minutes kIdleConnection{5};
inline constexpr seconds kTlsHandshakeDeadline{10};  // over: closed
// Bytes wait for a peer that takes none: closed after this.  Long, because a person may pause a
// watch (Ctrl-S) and go on; also TCP_USER_TIMEOUT, which would cut a paused reader sooner.
inline constexpr minutes kWriteStall{5};
// After our last byte the peer gets this long to close, so that a reset does not overtake it.
inline constexpr seconds kLingerDeadline{2};

// --- HTTP/1.1 ---
// Bytes behind the current exchange (pipelined requests, or what came early behind an upgrade) that
// wait unparsed.  Over: reading stops.
inline constexpr std::size_t kPipelinedBytesMax = 16 * 1024;
// Nobody sends chunk extensions; they only cost work.  Over: 400.
inline constexpr std::size_t kChunkExtensionBytesMax = 256;
// Of a request body that is still coming when its response has been sent.  Over: the connection
// closes.
inline constexpr std::size_t kDiscardedBodyBytesMax = 256 * 1024;
inline constexpr int kInterimResponsesMax = 16;  // 1xx before one response.  Over: bad gateway

// --- HTTP/2 and flow control (reference: RFC 9113 section 5.2) ---
// A stream's receive window: enough for 100 MB/s at 5 ms, small enough that 100 stalled streams are
// 50 MiB.
inline constexpr std::size_t kStreamWindowBytes = 512 * 1024;
// While less than this is unconsumed on a connection, connection credit returns at once, so a
// stalled stream cannot stop the others; above it, credit waits for consumption, so memory is
// bounded.
inline constexpr std::size_t kConnectionUnconsumedBytesMax = 64 * 1024 * 1024;
// Above it, streams whose reader took nothing for this long are reset: a few readers that stand
// still must not stop everyone else on a tunnel.  Below it a reader may pause as long as it likes.
inline constexpr seconds kStalledReader{10};
// The connection's own window: what may be on its way at once, 128 MB/s at 120 ms.  Together with
// the bound above it bounds what one connection can hold.
inline constexpr std::size_t kConnectionWindowBytes = 16 * 1024 * 1024;
inline constexpr std::size_t kFrameBytesMax = 64 * 1024;
// What kube-apiserver grants, and SETTINGS announces.  Over: REFUSED_STREAM; from a client that
// acknowledged the setting, GOAWAY(PROTOCOL_ERROR).
inline constexpr std::uint32_t kStreamsPerClientConnection = 250;
inline constexpr std::uint32_t kStreamsPerTunnelConnection = 10'000;
// Sent-side buffer of one stream before its writer must wait for OnSent.
inline constexpr std::size_t kSendQueueBytes = 512 * 1024;
// A filtered body: while no more than this waits for the client, the cluster is asked for more.
inline constexpr std::size_t kFilteredBytesLow = 128 * 1024;
// What a session may append to the output in one turn of the loop: one large TLS write.
inline constexpr std::size_t kFlushBytes = 256 * 1024;
inline constexpr std::size_t kReadBytes = 64 * 1024;
// What one connection may read or write in one turn before the others have theirs.
inline constexpr std::size_t kTurnBytesMax = 1024 * 1024;
// Frames that cost us work but move nothing (RST_STREAM, PING, SETTINGS, empty DATA): more in 10 s
// closes the connection.
inline constexpr std::uint32_t kHousekeepingFramesMax = 2'000;
// Of connections that carry the requests of a whole cluster's users, who cancel, and of an API
// server, which resets each request that it answers before it has read its body.
inline constexpr std::uint32_t kHousekeepingFramesPerTunnelMax = 100'000;

// --- gRPC ---
// gRPC's own default.  Over: RESOURCE_EXHAUSTED.
inline constexpr std::size_t kGrpcMessageBytesMax = 4 * 1024 * 1024;

// --- Tunnel and agents ---
inline constexpr seconds kPingInterval{20};  // of tunnels
inline constexpr seconds kPingDeadline{
    15};  // unanswered PING: the connection is dead (<= 35 s after silence)
inline constexpr milliseconds kHeartbeatInterval{15'000};
inline constexpr int kHeartbeatsMissedMax = 3;  // then the cluster shows as disconnected
inline constexpr milliseconds kReconnectMin{1'000};
// With a dial that fails at its deadline, an agent is back within 60 s of its link's healing.
inline constexpr milliseconds kReconnectMax{45'000};
inline constexpr seconds kDialDeadline{10};
inline constexpr std::size_t kTunnelConnectionsMax = 4;
inline constexpr std::chrono::hours kAgentCertificateLife{24};

// --- Connections in total ---
inline constexpr std::size_t kFrontConnectionsMax =
    10'000;  // over: accept waits; agents and diagnostics have their own
inline constexpr std::size_t kAgentConnectionsMax = 50'000;  // over: accept waits
// The agent's connections to its kube-apiserver, per loop.  Over: requests wait, then fail as
// refused.
inline constexpr std::size_t kPooledConnectionsMax = 16;  // x kStreamsPerClientConnection
inline constexpr std::size_t kPooledUpgradesMax = 1'000;  // exec, attach, port-forward
// Of one loop of the agent, for a connection to its kube-apiserver; each waits kDialDeadline at
// most.  Over, and then: 503.
inline constexpr std::size_t kPooledRequestsWaitingMax = 1'000;
// The command line keeps whole answers in memory: audit pages are the largest.
inline constexpr std::size_t kClientBodyBytesMax = 64 * 1024 * 1024;
inline constexpr std::size_t kDiagnosticsConnectionsMax = 100;  // over: accept waits
// Kept of the process' descriptor limit (`ulimit -n`) for diagnostics and 64 files of the database
// and others; the two ports share the rest, and at their shares accept waits.
inline constexpr std::size_t kDescriptorsReserved = 164;
static_assert(kDescriptorsReserved >= kDiagnosticsConnectionsMax + 64);
inline constexpr std::size_t kDescriptorsPerLoop = 2;  // epoll and its wakeup
// Left for both ports under the descriptor limit.  Under it central does not start.
inline constexpr std::size_t kConnectionsMin = 32;
inline constexpr std::size_t kRequestsPerUserMax = 1'000;     // in flight; over: 429
inline constexpr std::size_t kRequestsPerClusterMax = 5'000;  // over: 429

// Groups and extras of one identity towards a cluster; each that a client asks to impersonate is a
// decision.  More roles than this name one user nowhere.  Over: 400.
inline constexpr std::size_t kImpersonatedValuesMax = 200;
// After it a 429 may be tried again: the Retry-After that makes client-go do so by itself.
inline constexpr seconds kRetryAfter{1};
// Of a Kubernetes request's body that has begun, without a byte; connecting requests apart.  Over:
// 504.
inline constexpr seconds kRequestBodyStall{10};
// Of an upgraded exchange one of whose directions has ended, without a byte in the other one
// (kube-apiserver ends both at once).  Over: cut.
inline constexpr seconds kHalfOpenStall{10};
// Open streams are decided again this often, as sessions end by time; after a change at once.
inline constexpr seconds kRecheckInterval{4};
inline constexpr std::size_t kSelfReviewBytesMax = 64 * 1024;  // a few hundred; over: 413

// --- Filtered lists ---
// One admitted object, or watch event, is held until it is decided.  etcd takes 1.5 MiB an object;
// written as \u00XX in JSON that is six times as much, with a Table's cells beside it.  Over: the
// response is cut.
inline constexpr std::size_t kListItemBytesMax = 16 * 1024 * 1024;
// The 10,000 that Go's encoding/json reads and the list around it, so that no object of one tenant
// breaks the lists of another; a bit each.  Over: the response is cut.
inline constexpr std::size_t kListDepthMax = 10'016;
// The cluster's `continue`: about 500 bytes where names are longest.  Sealed it fits well into a
// target.  Over: the response is cut.
inline constexpr std::size_t kContinueBytesMax = 8 * 1024;

// --- Commands beside the agent (POST /clusters/{id}/exec) ---
// What the caller's files and stdin may hold together, and the JSON with them in base64.  Over:
// 413.
inline constexpr std::size_t kExecInputBytesMax = 16 * 1024 * 1024;
inline constexpr std::size_t kExecBodyBytesMax = 24 * 1024 * 1024;
inline constexpr std::size_t kExecArgumentsMax = 1'000;            // over: 400
inline constexpr std::size_t kExecArgumentsBytesMax = 128 * 1024;  // one argument's on Linux; 400
inline constexpr std::size_t kExecFilesMax = 1'000;                // over: 400
// Bodies that central holds at once, of all callers.  Over: 429.
inline constexpr std::size_t kExecBodiesBytesMax = 256 * 1024 * 1024;
// Output of a command whose answer is one JSON object.  Over: the command is ended, 413.
inline constexpr std::size_t kExecAnswerBytesMax = 8 * 1024 * 1024;
// A WebSocket's message behind the first.  Over: the connection closes (1009).
inline constexpr std::size_t kExecInputMessageBytesMax = 256 * 1024;
// Commands that run.  Over: they wait, in turn.
inline constexpr std::size_t kExecPerUserMax = 50;
inline constexpr std::size_t kExecPerClusterMax = 200;
// A start costs kubectl most of its CPU, so only so many of a cluster's commands start at once: one
// counts until its first output, its end, or this long.
inline constexpr std::size_t kExecStartingPerClusterMax = 8;
inline constexpr seconds kExecStart{5};
inline constexpr std::size_t kExecWaitingPerClusterMax = 500;  // over: 429
inline constexpr seconds kExecWait{60};                        // then 429
// How long a command may run: whose caller waits for one answer, and whose output streams.
inline constexpr minutes kExecAnswerTime{10};
inline constexpr std::chrono::hours kExecStreamTime{12};
// Something is sent to a caller who streams at least this often, so that proxies between keep the
// connection.
inline constexpr seconds kExecKeepalive{20};
// A body must be there within this: large ones come over slow lines.
inline constexpr seconds kExecBodyDeadline{60};
// One command beside the agent.  Output is streamed, so this is only against what runs away.  Over:
// the command is ended.
inline constexpr std::size_t kCommandOutputBytesMax = 4'294'967'296;
inline constexpr std::size_t kCommandChunkBytes = 64 * 1024;  // of output, in one message
// Its folder in memory: the caller's files and kubectl's discovery cache.  Over: ENOSPC, EFBIG.
inline constexpr std::size_t kCommandFolderBytesMax = 64 * 1024 * 1024;
inline constexpr std::size_t kCommandFilesMax = 8'000;
// kubectl takes some 100 MiB for large lists.  Over: it ends for want of memory.
inline constexpr std::size_t kCommandMemoryBytesMax = 1024 * 1024 * 1024;
inline constexpr std::size_t kCommandThreadsMax = 128;      // a Go program has some 20
inline constexpr std::size_t kCommandDescriptorsMax = 256;  // kubectl has some 10
// Its kubectl's connections to the agent: one, and one for each exec or attach.  Over: they wait to
// be accepted.
inline constexpr std::size_t kCommandConnectionsMax = 32;
// That run beside one agent, which several centrals may ask.  Over: 429.
inline constexpr std::size_t kCommandsPerAgentMax = 256;
// The order to run it: kExecInputBytesMax of input and files, and the arguments.  Over: refused.
inline constexpr std::size_t kCommandMessageBytesMax = 17 * 1024 * 1024;

// --- What custom resources are, by their cluster's discovery (central/resource_scopes.h) ---
// A group's list of resources: Kubernetes' largest own has 30 KiB.  Over: 502.
inline constexpr std::size_t kResourceListBytesMax = 1024 * 1024;
inline constexpr seconds kResourceScopeDeadline{10};           // for all of one question; then 504
inline constexpr std::size_t kResourceScopeQuestionsMax = 64;  // under way; over: 429
inline constexpr std::size_t kResourceScopeRequestsMax = 8;    // of one question, a version each
inline constexpr std::size_t kResourceScopesMax = 10'000;      // over: all are asked for anew
inline constexpr seconds kResourceScopeLife{60};               // a definition may be replaced

// --- Audit ---
inline constexpr milliseconds kAuditGroupDelay{100};   // reads are written at least this often
inline constexpr std::size_t kAuditQueueMax = 20'000;  // over: requests are refused (503)
inline constexpr std::size_t kCommandWordsBytesMax = 1024;

// --- Store ---
// A statement or a wait for a database connection ends after this, so that no request hangs on it.
inline constexpr seconds kStoreDeadline{10};
// A migration may rewrite a large table.
inline constexpr seconds kMigrationDeadline{600};
inline constexpr int kSqliteReadersMax = 4;  // a caller over it waits, at most kStoreDeadline

// --- Accounts ---
inline constexpr int kLoginFailuresPerAccountMax = 5;   // within kLockout
inline constexpr int kLoginFailuresPerAddressMax = 50;  // likewise
inline constexpr minutes kLockout{15};                  // 429 with Retry-After
// Sessions are held in memory; automation that logs in and never out ends its own oldest ones.
inline constexpr int kSessionsPerUserMax = 100;
inline constexpr std::size_t kPasswordBytesMax =
    1024;  // pre-hashed, so bcrypt's 72 bytes do not cut it
inline constexpr std::size_t kPasswordBytesMin = 8;  // under: 400

// Logins that wait for bcrypt: about 10 s of it on two cores.  Over: 503.
inline constexpr std::size_t kPasswordQueueMax = 64;
// A REST body must be there within this.
inline constexpr seconds kRestBodyDeadline{30};

// --- Work pools ---
inline constexpr std::size_t kPoolQueueMax = 1'000;  // over: 503
inline constexpr std::size_t kYamlDepthMax = 64;
inline constexpr std::size_t kJsonDepthMax = 64;
inline constexpr std::size_t kConfigFileBytesMax = 1024 * 1024;
inline constexpr seconds kShutdownGrace{20};  // drain: streams get this long after SIGTERM

}  // namespace mk8s::limits
