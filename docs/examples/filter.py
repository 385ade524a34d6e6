# Who may see what: X-Rolegate-Filter, checked. The key file has 64 hex digits.
import hashlib, hmac, sys, time
from urllib.parse import unquote


def rolegate_filter(header, key, now):
    """(member, account, None for everything or a list of (field, value));
    ValueError: show nothing."""
    said, _, mac = header.rpartition(" ")
    due = hmac.new(key, said.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(due.encode(), mac.encode()):
        raise ValueError("not from rolegate")
    version, expires, member, account, rows = said.split(" ")
    if version != "v1" or int(expires) < now:
        raise ValueError("too old")
    if rows == "all":
        return unquote(member), unquote(account), None
    pairs = [tuple(map(unquote, row.split("=", 1))) for row in rows.split(";")]
    return unquote(member), unquote(account), pairs


if __name__ == "__main__":
    key = bytes.fromhex(open(sys.argv[1]).read().strip())
    try:
        who, where, rows = rolegate_filter(sys.stdin.readline().rstrip("\n"), key, time.time())
    except ValueError:
        sys.exit(1)
    print(who, where, "all" if rows is None else " is ".join(rows[0]))
