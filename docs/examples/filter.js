// Who may see what: X-Rolegate-Filter, checked. The key file has 64 hex digits.
const crypto = require("crypto"), fs = require("fs");

// { member, account, rows }: rows null is everything. Throws: show nothing.
function rolegateFilter(header, key, now) {
  const cut = header.lastIndexOf(" ");
  const said = header.slice(0, Math.max(cut, 0)), mac = Buffer.from(header.slice(cut + 1));
  const due = Buffer.from(crypto.createHmac("sha256", key).update(said).digest("hex"));
  if (mac.length !== due.length || !crypto.timingSafeEqual(mac, due)) throw Error("not from rolegate");
  const [version, expires, member, account, rows, more] = said.split(" ");
  if (version !== "v1" || more !== undefined || !(Number(expires) >= now)) throw Error("too old");
  const pair = (row) => {
    const at = row.indexOf("=");
    return [row.slice(0, at), row.slice(at + 1)].map(decodeURIComponent);
  };
  return { member: decodeURIComponent(member), account: decodeURIComponent(account),
    rows: rows === "all" ? null : rows.split(";").map(pair) };
}

try {
  const key = Buffer.from(fs.readFileSync(process.argv[2], "utf8").trim(), "hex");
  const is = rolegateFilter(fs.readFileSync(0, "utf8").replace(/\n$/, ""), key, Date.now() / 1000);
  console.log(is.member, is.account, is.rows === null ? "all" : is.rows[0].join(" is "));
} catch {
  process.exit(1);
}
