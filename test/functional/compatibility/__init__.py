"""kubectl of every version, each of its commands, through mk8s and straight at the cluster: a table and its runner."""
