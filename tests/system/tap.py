"""Runs the tests of a unittest module and prints TAP, the sentence of each test
as its name."""
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


def main():
    names = sys.argv[1:] or None
    loader = unittest.TestLoader()
    module = sys.modules["__main__"]
    suite = (loader.loadTestsFromNames(names, module) if names
             else loader.loadTestsFromModule(module))
    tests = list(flat(suite))
    print("1..%d" % len(tests))
    result = Result()
    unittest.TestSuite(tests).run(result)
    sys.exit(0 if result.wasSuccessful() else 1)
