# Which requests the switch tries again, and where. nginx's own proxy_next_upstream can't tell a request that was never
# sent from one that killed its replica, and knows no budget. Used by switch.conf; each worker has its own budget.
package retries;
use strict;
use warnings;

# Retries that a worker may pay for: one for each seven requests or so, and as many at once as quiet times have saved.
# An app that fails one time in ten needs one for each nine.
my ($share, $saved_most) = (0.15, 20);
my $budget = $saved_most;

# Tries in all, those of which nothing was sent included (nginx allows ten redirects), and those with an answer.
my ($tries_most, $answers_most, $patience_s) = (8, 6, 15);

# A body of 10 MB or more isn't kept for a second try. edge.conf and edge_settings.py say the same.
my $streamed_digits = 8;

sub is_streamed { return length(shift->variable('content_length') // '') >= $streamed_digits }

sub may_repeat { return shift->request_method =~ /\A(?:GET|HEAD|OPTIONS)\z/ }

# Without budget the app's own error is passed on; @patient would take it away for a retry.
sub first {
    my $r = shift;
    $budget += $share if $budget < $saved_most;
    my $is_patient = may_repeat($r) && $budget >= 1;
    $r->internal_redirect(is_streamed($r) ? '@streamed' : try_as($r, $is_patient ? '@patient' : '@once'));
    return 0;
}

# A WebSocket may be silent for longer than an answer.
sub try_as {
    my ($r, $way) = @_;
    return $r->variable('upgrade') ? "${way}_websocket" : $way;
}

# The location after a try without an answer, and after one answered by 500, 502, 503 or 504 in @patient.
sub again {
    my $r = shift;
    my @sent = $r->variable('upstream_bytes_sent') =~ /\d+/g;
    my @heard = $r->variable('upstream_header_time') =~ /[\d.]+|-/g;
    my ($silent, $answered) = (0, 0);
    for my $try (grep { $sent[$_] } 0 .. $#sent) { $heard[$try] eq '-' ? $silent++ : $answered++ }
    my @received = $r->variable('upstream_bytes_received') =~ /\d+/g;
    my $goes_on = !is_streamed($r) && @sent < $tries_most && $r->variable('request_time') < $patience_s;
    my $was_heard = $heard[-1] ne '-';
    if ($sent[-1]) {
        # A request that its replica didn't survive may kill one more, not all of them. An answer that was taken away for a
        # retry is owed one.
        $goes_on &&= may_repeat($r) && $silent < 2 && ($was_heard || $budget >= 1);
        $budget-- if $goes_on;
    }
    my $is_last = !may_repeat($r) || $silent || $answered + 1 >= $answers_most;
    return try_as($r, $is_last ? '@once' : '@patient') if $goes_on;
    return '@failed' if $was_heard;
    return '@unreached' if !$sent[-1];
    return '@late' if $r->variable('upstream_status') =~ /504\z/;
    return $received[-1] ? '@unreadable' : '@lost';
}

1;
