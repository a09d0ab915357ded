# SPDX-License-Identifier: GPL-2.0-or-later
# Hashes, sorting, expressions, closures, strings, numbers; its last line sums all of it up.
use strict;
use warnings;

my $state = 12345;
sub random { $state = ($state * 1103515245 + 12345) % 2147483648; return $state >> 8; }

my %count;
$count{ random() % 5000 }++ for 1 .. 200_000;
my @order = sort { $count{$b} <=> $count{$a} || $a <=> $b } keys %count;

my $text = join ' ', map { sprintf '%05d:%x', $_, $count{$_} } @order;
my $matches = () = $text =~ /\b0*([1-9]\d{2,3}):(2[0-9a-f])\b/g;
(my $changed = $text) =~ s/(\d+):([0-9a-f]+)/$2 . '=' . scalar reverse $1/ge;

my @adders = map { my $n = $_; sub { $_[0] + $n } } 1 .. 100;
my $sum = 0;
$sum = $_->($sum) for @adders;
my $evaluated = eval join '+', 1 .. 1000;

my $pi = 0;
$pi += (-1)**$_ * 4 / (2 * $_ + 1) for 0 .. 100_000;
my $packed = unpack '%32C*', pack('w*', 1 .. 50_000) . $changed;
printf "%d %d %d %d %.12f %u\n", scalar @order, $matches, $sum, $evaluated, $pi, $packed;
