# Who may see what: X-Rolegate-Filter, checked. The key file has 64 hex digits.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256_hex sha256);

# (member, account, rows): rows undef is everything. An empty list: show nothing.
sub rolegate_filter {
    my ($header, $key, $now) = @_;
    my ($said, $mac) = $header =~ /\A(.*) ([0-9a-f]{64})\z/ or return;
    # Compared by digests, so that the time does not tell where they differ.
    return if sha256(hmac_sha256_hex($said, $key)) ne sha256($mac);
    my ($version, $expires, $member, $account, $rows) =
        $said =~ /\A(v1) ([0-9]+) (\S+) (\S+) (\S+)\z/ or return;
    return if $expires < $now;
    my $plain = sub { my $text = shift; $text =~ s/%([0-9A-F]{2})/chr hex $1/ge; $text };
    my @pairs = map { [map { $plain->($_) } split /=/, $_, 2] } split /;/, $rows;
    return ($plain->($member), $plain->($account), $rows eq 'all' ? undef : \@pairs);
}

open my $file, '<', $ARGV[0] or die "$ARGV[0]: $!\n";
chomp(my $hex = <$file>);
chomp(my $header = <STDIN>);
my ($member, $account, $rows) = rolegate_filter($header, pack('H*', $hex), time)
    or exit 1;
print "$member $account ", defined $rows ? join(' is ', @{ $rows->[0] }) : 'all', "\n";
