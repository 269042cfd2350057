// `mk8s audit`: who did what, newest last on the screen as in a log.
#include <CLI/CLI.hpp>
#include <map>

#include "base/text.h"
#include "cli/commands.h"

namespace mk8s::cli {
namespace {

constexpr int kLimitDefault = 50;
constexpr std::chrono::seconds kFollowInterval{1};
// An event that is still `started` is held back this long: most end at once, and one line is
// enough.
constexpr std::chrono::seconds kStartedHeldBack{2};
// Events whose last shown state --follow remembers; older ones are forgotten.
constexpr std::size_t kFollowedMax = 5'000;

struct Flags {
  OutputFlags output;
  std::string id;
  std::string since;
  std::string until;
  std::string user;
  std::string cluster;
  std::string status;
  std::string verb;
  int limit = kLimitDefault;
  bool follow = false;
};

// "1h" ago, or a time.
Result<std::string> TimeParameter(std::string_view flag, const std::string& text, WallTime now) {
  if (const Result<WallTime> time = ParseTime(text)) return FormatTime(*time);
  if (const auto duration = ParseDuration(text)) return FormatTime(now - *duration);
  return MakeError(ErrorCode::kInvalidArgument,
                   std::string(flag) +
                       " takes a duration such as 15m, 24h or 7d, or a time such "
                       "as 2026-01-31T08:00:00Z, not \"" +
                       text + "\"");
}

Result<std::string> Query(const Flags& flags, WallTime now) {
  std::string query;
  const auto add = [&](std::string_view key, std::string_view value) {
    if (value.empty()) return;
    query += (query.empty() ? "" : "&") + std::string(key) + "=" + EncodeSegment(value);
  };
  if (!flags.since.empty()) {
    MK8S_ASSIGN_OR_RETURN(const std::string since, TimeParameter("--since", flags.since, now));
    add("since", since);
  }
  if (!flags.until.empty()) {
    MK8S_ASSIGN_OR_RETURN(const std::string until, TimeParameter("--until", flags.until, now));
    add("until", until);
  }
  if (!flags.status.empty() && !AuditStatusFromName(flags.status)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "--status \"" + flags.status +
                         "\" is none of started, allowed, denied, failed, interrupted");
  }
  add("user", flags.user);
  add("cluster", flags.cluster);
  add("status", flags.status);
  add("verb", flags.verb);
  return query;
}

Tone ToneOf(AuditStatus status) {
  switch (status) {
    case AuditStatus::kStarted:
      return Tone::kDim;
    case AuditStatus::kAllowed:
      return Tone::kGood;
    case AuditStatus::kDenied:
    case AuditStatus::kFailed:
      return Tone::kBad;
    case AuditStatus::kInterrupted:
      return Tone::kWarn;
  }
  return Tone::kPlain;
}

std::string Target(const AuditEvent& event) {
  std::string text = event.verb;
  if (!event.resource.empty()) text += " " + event.resource;
  if (!event.subresource.empty()) text += "/" + event.subresource;
  if (!event.namespace_.empty()) text += " -n " + event.namespace_;
  if (!event.name.empty()) text += " " + event.name;
  return text;
}

Table EventTable() {
  return Table({{"TIME"},
                {"USER"},
                {"CLUSTER"},
                {"STATUS"},
                {"DURATION"},
                {"COMMAND"},
                {"REQUEST", true},
                {"HTTP", true},
                {"FROM", true},
                {"ID", true}});
}

void AddRow(Table& table, const AuditEvent& event) {
  const bool open = event.status == AuditStatus::kStarted;
  table.Add({LocalTime(event.time, false), event.user, event.cluster,
             Cell(std::string(Name(event.status)), ToneOf(event.status)),
             open ? "" : FormatDuration(std::chrono::milliseconds(event.duration_ms)),
             event.command, Target(event),
             event.http_status == 0 ? "" : std::to_string(event.http_status), event.source_ip,
             event.id});
}

// Central gives the newest first; a page at a time until `limit`.
Result<Listing<AuditEvent>> Newest(Workspace& workspace, const std::string& query, int limit) {
  constexpr int kPageMax = 500;
  Listing<AuditEvent> all;
  std::string cursor;
  while (limit > 0) {
    std::string page_query =
        query + (query.empty() ? "" : "&") + "limit=" + std::to_string(std::min(limit, kPageMax));
    if (!cursor.empty()) page_query += "&cursor=" + EncodeSegment(cursor);
    MK8S_ASSIGN_OR_RETURN(Listing<AuditEvent> page, workspace.client.ListAudit(page_query));
    limit -= static_cast<int>(page.items.size());
    cursor = page.next_cursor;
    const bool last = page.items.empty() || cursor.empty();
    if (all.json.empty()) all.json = std::move(page.json);
    std::move(page.items.begin(), page.items.end(), std::back_inserter(all.items));
    if (last) break;
  }
  return all;
}

Result<int> List(Context& context, const Flags& flags) {
  MK8S_ASSIGN_OR_RETURN(const std::string query, Query(flags, context.clock.Now()));
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context));
  const bool document =
      flags.output.format == Format::kJson || flags.output.format == Format::kYaml;
  // A document is central's own answer: one page of it, with its cursor.
  const int limit = document ? std::min(flags.limit, 500) : flags.limit;
  MK8S_ASSIGN_OR_RETURN(const Listing<AuditEvent> listing, Newest(*workspace, query, limit));
  Table table = EventTable();
  std::vector<std::string> ids;
  for (auto event = listing.items.rbegin(); event != listing.items.rend(); ++event) {
    AddRow(table, *event);
    ids.push_back(event->id);
  }
  MK8S_RETURN_IF_ERROR(Show(context, flags.output, listing.json, table, ids));
  if (listing.items.empty()) context.err << "No events.\n";
  return 0;
}

// Remembers what was shown of each event, so that each appears once, and again when it ends.
class Follower {
 public:
  bool IsNews(const AuditEvent& event, WallTime now) {
    if (event.status == AuditStatus::kStarted && now - event.time < kStartedHeldBack) return false;
    const auto [shown, is_new] = shown_.try_emplace(event.id, event.status);
    if (!is_new && shown->second == event.status) return false;
    shown->second = event.status;
    // Ids are ordered by time: the first are the oldest.
    while (shown_.size() > kFollowedMax) shown_.erase(shown_.begin());
    return true;
  }

 private:
  std::map<std::string, AuditStatus> shown_;
};

void ShowNews(Context& context, const Flags& flags, const std::vector<AuditEvent>& newest_first,
              Follower& follower, bool& headers, std::vector<std::size_t>& widths) {
  Table table = EventTable();
  for (auto event = newest_first.rbegin(); event != newest_first.rend(); ++event) {
    if (!follower.IsNews(*event, context.clock.Now())) continue;
    if (flags.output.format == Format::kName) {
      context.out << Printable(event->id) << "\n";
    } else {
      AddRow(table, *event);
    }
  }
  if (!table.empty()) {
    context.out << table.Render(flags.output.format == Format::kWide, headers, context.ColourOut(),
                                &widths);
    headers = false;
  }
  context.out << std::flush;
}

// Until Ctrl-C, or until nobody reads.
Result<int> Follow(Context& context, const Flags& flags) {
  if (flags.output.format == Format::kJson || flags.output.format == Format::kYaml) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "--follow shows lines\n  next: use it with -o table, wide or name");
  }
  Flags wanted = flags;
  if (wanted.since.empty()) wanted.since = "1m";
  MK8S_ASSIGN_OR_RETURN(const std::string query, Query(wanted, context.clock.Now()));
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context));
  Follower follower;
  bool headers = !flags.output.no_headers;
  std::vector<std::size_t> widths;
  bool unreachable = false;
  while (context.out.good()) {
    const Result<Listing<AuditEvent>> listing = Newest(*workspace, query, flags.limit);
    if (listing) {
      unreachable = false;
      ShowNews(context, flags, listing->items, follower, headers, widths);
    } else if (listing.error().code != ErrorCode::kUnavailable) {
      return listing.error();
    } else if (!unreachable) {
      unreachable = true;
      context.err << "central cannot be reached; trying on\n";
    }
    context.sleep(kFollowInterval);
  }
  return 0;
}

Result<int> ShowEvent(Context& context, const Flags& flags) {
  MK8S_ASSIGN_OR_RETURN(const auto workspace, OpenWorkspace(context));
  MK8S_ASSIGN_OR_RETURN(const Listing<AuditEvent> listing,
                        workspace->client.ListAudit("id=" + EncodeSegment(flags.id) + "&limit=1"));
  if (listing.items.empty()) {
    return MakeError(ErrorCode::kNotFound, "there is no audit event \"" + flags.id +
                                               "\"\n  next: mk8s audit list -o wide shows ids");
  }
  if (flags.output.format != Format::kTable && flags.output.format != Format::kWide) {
    MK8S_RETURN_IF_ERROR(Show(context, flags.output, listing.json, Table({}), {flags.id}));
    return 0;
  }
  const AuditEvent& event = listing.items.front();
  const bool colour = context.ColourOut();
  const auto line = [&](std::string_view name, const std::string& value, Tone tone = Tone::kPlain) {
    if (value.empty()) return;
    context.out << Paint(std::string(name) + std::string(12 - name.size(), ' '), Tone::kDim, colour)
                << Paint(Printable(value), tone, colour) << "\n";
  };
  line("Id", event.id);
  line("Time", LocalTime(event.time, true));
  line("User", event.user);
  line("From", event.source_ip);
  line("Cluster", event.cluster);
  line("Command", event.command);
  line("Request", Target(event));
  line("Group", event.api_group);
  line("Status", std::string(Name(event.status)), ToneOf(event.status));
  line("Reason", event.reason);
  line("HTTP", event.http_status == 0 ? "" : std::to_string(event.http_status));
  line("Duration", event.status == AuditStatus::kStarted
                       ? ""
                       : FormatDuration(std::chrono::milliseconds(event.duration_ms)));
  line("Session", event.kubectl_session);
  return 0;
}

}  // namespace

void AddAuditCommands(Registry& registry) {
  auto flags = std::make_shared<Flags>();
  CLI::App& group = *AddGroup(registry.root, "audit", "Read the audit log");
  CLI::App* list =
      AddCommand(registry, group, "list", "List audit events, the newest last",
                 "  mk8s audit list --since 1h --status denied\n"
                 "  mk8s audit list --user dev@example.com --cluster prod-eu -o wide\n"
                 "  mk8s audit list --follow\n",
                 [flags](Context& context) {
                   return flags->follow ? Follow(context, *flags) : List(context, *flags);
                 });
  list->add_option("--since", flags->since, "From then on: 15m, 24h, 7d, or an RFC 3339 time")
      ->type_name("TIME");
  list->add_option("--until", flags->until, "Up to then")->type_name("TIME");
  list->add_option("--user", flags->user, "Only this user's")->type_name("USER");
  list->add_option("--cluster", flags->cluster, "Only on this cluster")->type_name("CLUSTER");
  list->add_option("--status", flags->status, "started, allowed, denied, failed or interrupted")
      ->type_name("STATUS");
  list->add_option("--verb", flags->verb, "Only this verb: get, list, create, delete, ...")
      ->type_name("VERB");
  list->add_option("--limit", flags->limit, "At most so many")
      ->type_name("N")
      ->check(CLI::Range(1, 10'000).description(""))
      ->default_str(std::to_string(kLimitDefault));
  list->add_flag("-f,--follow", flags->follow, "Go on showing new events");
  AddOutputFlags(list, flags->output);

  CLI::App* show = AddCommand(registry, group, "show", "Show all of one event",
                              "  mk8s audit show 0193a5b2-7c41-7e0a-9f6b-2d1c0e8b4a55\n",
                              [flags](Context& context) { return ShowEvent(context, *flags); });
  show->add_option("ID", flags->id, "The event's id, which is also the request id of an error")
      ->required()
      ->type_name("ID");
  AddOutputFlags(show, flags->output);
}

}  // namespace mk8s::cli
