# Which requests the switch tries again, and where: retries.pm against requests that remember where they were sent.
use strict;
use warnings;
use Test::More;

package Request;
sub new { my ($class, $method, %variables) = @_; return bless {method => $method, %variables}, $class }
sub request_method { return shift->{method} }
sub variable { return $_[0]{$_[1]} }
sub internal_redirect { $_[0]{to} = $_[1]; return }

package main;

# Each worker begins with a whole budget.
sub begin { delete $INC{'retries.pm'}; local $SIG{__WARN__} = sub { }; require retries; return }
sub first { my $r = Request->new(shift); retries::first($r); return $r->{to} }

# Tries as nginx lists them: [bytes sent, seconds until the header or "-", bytes received], and the last status.
sub again {
    my ($method, $status, $seconds, @tries) = @_;
    return retries::again(request($method, $status, $seconds, @tries));
}
sub request {
    my ($method, $status, $seconds, @tries) = @_;
    return Request->new(
        $method,
        upstream_bytes_sent     => join(' : ', map { $_->[0] } @tries),
        upstream_header_time    => join(' : ', map { $_->[1] } @tries),
        upstream_bytes_received => join(' : ', map { $_->[2] } @tries),
        upstream_status         => $status,
        request_time            => $seconds,
    );
}
my ($heard, $silent, $unsent, $garbled) = ([80, '0.010', 99], [80, '-', 0], [0, '-', 0], [80, '-', 4096]);

begin();
is(first($_), '@patient', "$_ may be repeated") for qw(GET HEAD OPTIONS);
is(first($_), '@once', "$_ is sent once") for qw(POST PUT DELETE PATCH REFUND get GETX XGET);

# An app that answers 500.
for my $method (qw(GET HEAD OPTIONS)) {
    begin();
    my @ways = map { again($method, '500', 1, ($heard) x $_) } 1 .. 6;
    is("@ways[0 .. 3]", '@patient @patient @patient @patient', "$method is tried again after an answer of 500");
    is($ways[4], '@once', 'the sixth try is the last');
}
begin();
is(again('POST', '502', 1, $heard), '@failed', 'POST is not tried again after an answer');

# A replica that never answers.
begin();
is(again('GET', '502', 1, $silent), '@once', 'one more try, whatever it brings');
is(again('GET', '502', 1, $silent, $silent), '@lost', 'a request kills two replicas at most');
is(again('GET', '502 : 504', 1, $silent, $silent), '@late', 'a time that ran out is said');
is(again('GET', '502 : 502', 1, $unsent, $silent), '@once', 'what was never sent killed nobody');
is(again('POST', '502', 1, $silent), '@lost', 'POST is not tried again once it was sent');
is(again('POST', '504', 1, $silent), '@late', 'nor when its time ran out');

# An answer that nobody can read.
begin();
is(again('GET', '502', 1, $garbled), '@once', 'another replica may answer better');
is(again('GET', '502', 1, $garbled, $garbled), '@unreadable', 'then it is said');
is(again('POST', '502', 1, $garbled), '@unreadable', 'and POST is not tried again for it');
is(again('POST', '504', 1, $garbled), '@late', 'half a header in time is none');

# WebSockets go their own ways, by the same rules.
sub upgraded { my $r = shift; $r->{upgrade} = 'websocket'; return $r }
begin();
retries::first(my $handshake = upgraded(Request->new('GET')));
is($handshake->{to}, '@patient_websocket', 'a handshake may be repeated');
is(retries::again(upgraded(request('GET', '502', 1, $silent))), '@once_websocket', 'once, after silence');
is(retries::again(upgraded(request('GET', '502', 1, $silent, $silent))), '@lost', 'and not again');

# Large bodies are not kept.
sub large { my ($r, $length) = @_; $r->{content_length} = $length; return $r }
for my $method (qw(GET POST)) {
    begin();
    retries::first(my $small = large(Request->new($method), 9_999_999));
    retries::first(my $large = large(Request->new($method), 10_000_000));
    is($small->{to}, $method eq 'GET' ? '@patient' : '@once', "a $method of less than 10 MB is kept for another try");
    is($large->{to}, '@streamed', "and one of 10 MB is not");
    is(retries::again(large(request($method, '502', 1, $unsent), 10_000_000)), '@unreached', 'which ends its tries');
    is(retries::again(large(request($method, '502', 1, $silent), 10_000_000)), '@lost', 'whatever came of them');
}

# Nothing could be sent: every method, eight tries.
begin();
for my $count (1 .. 7) {
    is(again('POST', '502', 1, ($unsent) x $count), '@once', "POST after $count tries of which nothing was sent");
    is(again('GET', '502', 1, ($unsent) x $count), '@patient', "GET after $count such tries");
}
is(again($_, '502', 1, ($unsent) x 8), '@unreached', "no ninth try for $_") for qw(GET POST);
is(again('GET', '504', 1, ($unsent) x 8), '@unreached', 'no time ran out where nothing was sent');

# Patience.
is(again('GET', '500', 14.9, $heard), '@patient', 'within fifteen seconds');
is(again('GET', '500', 15, $heard), '@failed', 'and not after them');
is(again('GET', '502', 15, $unsent), '@unreached', 'nor where nothing was sent');

# The budget: twenty saved, one for each seven requests after.
sub spend { my $spent = 0; $spent++ while $spent < 1000 && again('GET', '502', 1, $silent) eq '@once'; return $spent }
begin();
is(spend(), 20, 'twenty retries at once');
is(first('GET'), '@once', "without budget the app's own error is passed on");
is(again('GET', '500', 1, $heard), '@patient', 'an answer that was taken away is owed a try');
begin();
spend();
first('POST') for 1 .. 100;
my $earned = spend();
ok($earned >= 14 && $earned <= 15, "a hundred requests of any method pay for fifteen, not $earned");
first('GET') for 1 .. 10_000;
my $saved = spend();
ok($saved >= 20 && $saved <= 21, "quiet times save no more than twenty, not $saved");
begin();
again('GET', '502', 1, $unsent) for 1 .. 100;
is(spend(), 20, 'what was never sent costs nothing');

done_testing();
