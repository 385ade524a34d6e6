# Who may see what: X-Rolegate-Filter, checked. The key file has 64 hex digits.
require "openssl"
require "uri"

# [member, account, rows]: rows nil is everything. nil: show nothing.
def rolegate_filter(header, key, now)
  said, _, mac = header.rpartition(" ")
  due = OpenSSL::HMAC.hexdigest("SHA256", key, said)
  return nil unless mac.bytesize == due.bytesize && OpenSSL.fixed_length_secure_compare(mac, due)

  version, expires, member, account, rows, more = said.split(" ", -1)
  return nil if version != "v1" || more || expires.to_i < now

  plain = ->(text) { URI::DEFAULT_PARSER.unescape(text).force_encoding("UTF-8") }
  pairs = rows == "all" ? nil : rows.split(";").map { |row| row.split("=", 2).map(&plain) }
  [plain[member], plain[account], pairs]
end

key = [File.read(ARGV[0]).strip].pack("H*")
is = rolegate_filter(STDIN.gets.chomp, key, Time.now.to_i)
exit 1 if is.nil?
puts "#{is[0]} #{is[1]} #{is[2].nil? ? 'all' : is[2][0].join(' is ')}"
