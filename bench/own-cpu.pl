# own-cpu.pl <file> <command...>: runs the command and writes the CPU time of its own process,
# without children, to the file, in ms. It is read from outside and after the end: nothing is loaded
# into the process, and its exit is included. Linux only.
use strict;
use warnings;
use POSIX qw(:signal_h);
use Time::HiRes qw(clock_gettime);

my $file = shift;
my $child_ends = POSIX::SigSet->new(SIGCHLD);
$SIG{CHLD} = sub { };
sigprocmask(SIG_BLOCK, $child_ends);
my $pid = fork // die "fork: $!\n";
if ($pid == 0) {
    sigprocmask(SIG_UNBLOCK, $child_ends);
    exec @ARGV or die "$ARGV[0]: $!\n";
}
sigsuspend(POSIX::SigSet->new) until has_ended();
# The CPU clock of another process: MAKE_PROCESS_CPUCLOCK of linux/posix-timers.h. It exists until
# the process is waited for.
my $seconds = clock_gettime((~$pid << 3) | 2);
die "the clock of process $pid: $!\n" if $seconds < 0;
open my $out, '>', $file or die "$file: $!\n";
printf $out '%.3f', 1000 * $seconds;
close $out or die "$file: $!\n";
waitpid $pid, 0;
exit($? & 127 ? 128 + ($? & 127) : $? >> 8);

sub has_ended {
    open my $stat, '<', "/proc/$pid/stat" or die "/proc/$pid/stat: $!\n";
    return readline($stat) =~ /\) Z /;
}
