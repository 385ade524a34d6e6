"""Runs the tests of a unittest module and prints TAP, the sentence of each test
as its name."""
import os
import signal
import sys
import time
import traceback
import unittest


def flat(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flat(test)
        else:
            yield test


class Result(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.number = 0
        self.ended_by = None
        self.began = time.monotonic()  # of a class that cannot be set up

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()
        self.parts = []

    def addSubTest(self, test, part, why):
        super().addSubTest(test, part, why)
        if why is not None:
            self.parts.append((part, why))

    def stopTest(self, test):
        """A test of which a part failed has not been told of."""
        super().stopTest(test)
        if not self.parts:
            return
        self.say(test, False)
        for part, why in self.parts:
            print("# " + part.id())
            self.say_why(why)

    def say_why(self, why):
        for line in "".join(traceback.format_exception(*why)).split("\n"):
            print("# " + line)
        sys.stdout.flush()

    def say(self, test, ok, why=None, skip=None):
        self.number += 1
        sentence = (test.shortDescription() or str(test)).rstrip(".")
        print("%s %d %s in %dms%s" % (
            "ok" if ok else "not ok", self.number, sentence,
            (time.monotonic() - self.began) * 1000,
            " # skip " + skip if skip else ""))
        sys.stdout.flush()
        if why:
            self.say_why(why)

    def addSuccess(self, test):
        self.say(test, True)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.say(test, True, skip=reason)

    def addFailure(self, test, why):
        super().addFailure(test, why)
        self.say(test, False, why)

    def addError(self, test, why):
        super().addError(test, why)
        self.say(test, False, why)


class Ended(Exception):
    """By a signal. As an exception it lets a test put away what it started."""


def end_by_signals(result):
    """The test in hand fails and cleans up, and no other one begins."""
    def on_signal(number, _):
        if not result.shouldStop:
            result.stop()
            result.ended_by = number
            raise Ended(signal.Signals(number).name)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)


def main():
    names = sys.argv[1:] or None
    loader = unittest.TestLoader()
    module = sys.modules["__main__"]
    suite = (loader.loadTestsFromNames(names, module) if names
             else loader.loadTestsFromModule(module))
    tests = list(flat(suite))
    print("1..%d" % len(tests))
    result = Result()
    end_by_signals(result)
    unittest.TestSuite(tests).run(result)
    if result.ended_by is not None:
        signal.signal(result.ended_by, signal.SIG_DFL)
        os.kill(os.getpid(), result.ended_by)
    sys.exit(0 if result.wasSuccessful() else 1)
