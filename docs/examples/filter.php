<?php
// Who may see what: X-Rolegate-Filter, checked. The key file has 64 hex digits.

// [member, account, rows]: rows null is everything. null: show nothing.
function rolegate_filter(string $header, string $key, int $now): ?array
{
    $cut = strrpos($header, ' ');
    $said = substr($header, 0, (int) $cut);
    $mac = substr($header, (int) $cut + 1);
    if (!hash_equals(hash_hmac('sha256', $said, $key), $mac)) {
        return null;
    }
    $parts = explode(' ', $said);
    if (count($parts) !== 5 || $parts[0] !== 'v1' || (int) $parts[1] < $now) {
        return null;
    }
    $pair = fn ($row) => array_map('rawurldecode', explode('=', $row, 2));
    $rows = $parts[4] === 'all' ? null : array_map($pair, explode(';', $parts[4]));
    return [rawurldecode($parts[2]), rawurldecode($parts[3]), $rows];
}

$is = rolegate_filter(rtrim(fgets(STDIN), "\n"), hex2bin(trim(file_get_contents($argv[1]))), time());
if ($is === null) {
    exit(1);
}
echo $is[0], ' ', $is[1], ' ', $is[2] === null ? 'all' : implode(' is ', $is[2][0]), "\n";
