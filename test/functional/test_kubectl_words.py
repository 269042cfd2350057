"""The words of src/kube/kubectl_words.cc are those of a real kubectl: its sub-commands, and which flags stand alone."""

import concurrent.futures
import re

import pytest

from harness.cluster import kubectls
from harness.process import ROOT, run

SOURCE = (ROOT / "src/kube/kubectl_words.cc").read_text()


def table(name):
    """The quoted words of one table of the source."""
    return re.findall(r'"([^"]*)"', re.search(rf"\b{name}\[\] = {{(.*?)}};", SOURCE, re.S)[1])


COMMANDS, SWITCHES = set(table("kCommands")), set(table("kSwitches"))
OWN = table("kOwnSwitches")
OWN_SWITCHES = {(command, sub, flag) for command, sub, flag in zip(OWN[::3], OWN[1::3], OWN[2::3])}
LETTERS = dict(re.findall(r"{'(\w)', \"([\w-]+)\"}", re.search(r"kLetters\[\] = {(.*?)};", SOURCE, re.S)[1]))
OWN_LETTERS = {(command, letter): name for command, letter, name in
               re.findall(r"{\"(\w+)\", {'(\w)', \"([\w-]+)\"}}", SOURCE)}


class Kubectl:
    def __init__(self, program):
        self.program = program

    def __call__(self, *args):
        return run([self.program, *args], env={"HOME": "/nonexistent", "KUBECONFIG": "/dev/null"}, timeout=60)

    def flags(self, *command):
        """(letter or "", long name) of each flag in the help."""
        helped = self(*command, *([] if command == ("options",) else ["--help"])).out
        return re.findall(r"^ {4,6}(?:-(\w), )?--([\w.-]+)", helped, re.M)

    def walk(self, *command):
        """Each command with its flags, and those of the commands below it."""
        yield command, self.flags(*command)
        helped = self(*command, "--help").out
        for section in re.findall(r"^\S.*[Cc]ommands.*:\n((?:  \S.*\n)+)", helped, re.M):
            for sub in re.findall(r"^  (\S+)", section, re.M):
                yield from self.walk(*command, sub)

    def stands_alone(self, command, flag):
        """pflag names the first flag that it does not know: behind one that takes a value that is the second."""
        said = self(*(command or ["get"]), f"--{flag}", "--zzz", "--yyy").err
        assert "unknown flag: --zzz" in said or "--yyy" in said or '"--zzz"' in said or "open --zzz" in said, said
        return "unknown flag: --zzz" in said


@pytest.mark.parametrize("version", [pytest.param(v, marks=[pytest.mark.full] if v != "testbed" else [])
                                     for v in sorted(kubectls()) if v != "testbed-spdy"])
def test_the_table_is_kubectls_own(version):
    kubectl = Kubectl(kubectls()[version]["MK8S_KUBECTL"])
    walked = [*kubectl.walk(), ((), kubectl.flags("options"))]
    assert {command[0] for command, _ in walked if command} <= COMMANDS
    flags = [(command, letter, flag) for command, those in walked for letter, flag in those]
    assert len(flags) > 500, flags

    def expected(command, flag):
        first, second = (*command, "", "")[:2]
        return flag in SWITCHES or bool({(first, second, flag), (first, "", flag)} & OWN_SWITCHES)

    def wrong(each):
        command, letter, flag = each
        if kubectl.stands_alone(command, flag) != expected(command, flag):
            return f"{command} --{flag}: the table says {'alone' if expected(command, flag) else 'takes a value'}"
        name = OWN_LETTERS.get(((*command, "")[0], letter)) or LETTERS.get(letter)
        return f"{command} -{letter} is --{flag}, not --{name}" if letter and name != flag else None

    # Asking costs a process: one command of those that the table takes to have the same flag.
    once = {(letter, flag, expected(command, flag)): (command, letter, flag) for command, letter, flag in flags}
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = [w for w in pool.map(wrong, once.values()) if w]
    assert not found, found
