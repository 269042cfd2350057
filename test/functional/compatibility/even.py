"""What differs between any two runs of one command, evened out by named rules before their outputs are compared."""

import re

RULES = {
    # The cluster's address, with the way through mk8s where there is one, in what kubectl says of its server.
    "server": (r"https://127\.0\.0\.1:\d+(/clusters/alpha(/c/[\w-]+)?/k8s)?", "https://SERVER"),
    # Each way has its own namespace for what it changes.
    "namespace": (r"\bcompat-(\d+|shared)-?[a-z]?\b", "NAMESPACE"),
    "uid": (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "UID"),
    "version of an object": (r"(resourceVersion\W+|resource-version=)\d+", r"\1N"),
    "continue token": (r'("continue": ?")[^"]+', r"\1TOKEN"),  # holds the list's resource version
    "time": (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| [+-]\d{4})?|\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", "TIME"),
    "age": (r"(?<![\w.-])(\d+[smhd]){1,3}(?![\w.-])|<unknown>|<invalid>", "AGE"),
    "name made by a controller": (r"\b(web|rolling|turned|fresh|once)-[a-f0-9]{6,10}(-[a-z0-9]{5})?\b|\b(task)-[a-z0-9]{5}\b",
                                  r"\1\3-SUFFIX"),
    "hash of a template": (r"(pod-template-hash\W+)[a-f0-9]+", r"\1HASH"),
    "address": (r"\b10\.(0|99)\.\d+\.\d+\b", "ADDRESS"),
    "port picked": (r"(127\.0\.0\.1|\[::1\]):\d+|(?<=connection for )\d+", "HOST:PORT"),
    "token": (r"\beyJ[\w-]+\.[\w-]+\.[\w-]+", "TOKEN"),
    "temporary file": (r"(/tmp/(LIVE|MERGED|kubectl-edit)-)\w+", r"\1X"),
    # kubectl prints how far a roll-out is as often as it happens to look.
    "progress": (r"Waiting for (deployment|daemon set|statefulset).*\n", ""),
    # The API server opens a WebSocket with an empty message for each stream.  kubectl (seen: 1.31, 1.32) may read it before it
    # has made the stream, and says so; a message with something in it that was lost would show in the output.
    "opening message that came early": (r"E\d{4} [\d:.]+ +\d+ websocket\.go:\d+\] Unknown stream id \d, discarding message\n", ""),
    "log line's time": (r"\b[EIW]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ ", "LOG "),
    # The test bed's node may hear of a new pod a moment after the API server; kubectl goes on all the same.
    "logs before the node knew": (r"warning: couldn't fetch pre-attach logs: .*\n", ""),
    # Columns are as wide as what stands in them, which the rules above have changed.
    "padding": (r" {2,}", "  "),
}


def even(text):
    for pattern, replacement in RULES.values():
        text = re.sub(pattern, replacement, text)
    return text


def same(one, other):
    return one == other or even(one) == even(other)
