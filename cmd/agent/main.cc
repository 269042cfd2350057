// Parse, build, run, exit code.
int main() { return 0; }
