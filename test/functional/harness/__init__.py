"""The functional tests' own means: processes, clusters, central, agents, the command line, HTTP."""
