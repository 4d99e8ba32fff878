//! Where DynamoDB throttles: replays a population of users, some much busier than others, against the limits that AWS
//! publishes for on-demand tables. Units are of writes; reads have three times the limits, and the same curves.
//!
//! - A partition serves 1,000 units a second, and a user's tasks are in one partition: with a local index, they stay
//!   together. Adaptive capacity lets a partition use all of that, whatever the others do.
//! - A new table starts with 4,000 units a second, and takes twice the peak of half an hour ago.
//! - Unused units of the last five minutes can be used later, but not above the limits of partitions.
//! - A partition with sustained traffic near its limit is split between users. AWS does not say when; here after ten
//!   minutes.
//!
//! Sources are in docs/scale.md.

use std::ops::Range;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::picture::{Curve, Panel, curves};

/// Units a second of a partition, and of a new table.
const PARTITION: f64 = 1_000.0;
const NEW_TABLE: f64 = 4_000.0;

/// Seconds.
const STEP: f64 = 10.0;
const BURST: f64 = 300.0;
const DOUBLING: f64 = 1_800.0;
const SUSTAINED: f64 = 600.0;

/// "Near its limit".
const HOT: f64 = 0.9 * PARTITION;

const USERS: usize = 1_000_000;
const SEED: u64 = 1;

/// An on-demand table.
#[derive(Debug, Clone)]
struct Table {
    /// The sum of the users' shares of the traffic up to each user, in the order of the hashes of their ids.
    sums: Vec<f64>,
    partitions: Vec<Partition>,
    /// Units a second that the table serves at once: its warm throughput.
    warm: f64,
    /// Unused units.
    saved: f64,
    /// Units a second that were served in each step.
    served: Vec<f64>,
}

#[derive(Debug, Clone)]
struct Partition {
    users: Range<usize>,
    hot_for: f64,
}

impl Table {
    /// A table of users whose shares follow Zipf's law.
    fn new(users: usize, exponent: f64, warm: f64) -> Self {
        let mut shares: Vec<_> = (1..=users).map(|rank| (rank as f64).powf(-exponent)).collect();
        let total: f64 = shares.iter().sum();
        shares.shuffle(&mut StdRng::seed_from_u64(SEED));
        let sums = shares.iter().scan(0.0, |sum, share| {
            *sum += share / total;
            Some(*sum)
        });
        let sums = std::iter::once(0.0).chain(sums).collect();
        let partitions = vec![Partition { users: 0..users, hot_for: 0.0 }];
        Self { sums, partitions, warm: NEW_TABLE, saved: 0.0, served: Vec::new() }.warmed(warm)
    }

    /// Raises the warm throughput, and with it the number of partitions.
    fn warmed(mut self, warm: f64) -> Self {
        self.warm = self.warm.max(warm);
        self.saved = BURST * self.warm;
        self.spread();
        self
    }

    /// Splits the busiest partitions until there are enough for the warm throughput.
    fn spread(&mut self) {
        while (self.partitions.len() as f64) < self.warm / PARTITION {
            let busiest = (0..self.partitions.len()).filter(|index| self.middle(*index).is_some());
            let busiest = busiest.max_by(|a, b| self.share_of(*a).total_cmp(&self.share_of(*b)));
            if !busiest.is_some_and(|index| self.split(index)) {
                return;
            }
        }
    }

    fn share_of(&self, partition: usize) -> f64 {
        let Range { start, end } = self.users(partition);
        self.sums.get(end).zip(self.sums.get(start)).map_or(0.0, |(end, start)| end - start)
    }

    fn users(&self, partition: usize) -> Range<usize> {
        self.partitions.get(partition).map_or(0..0, |partition| partition.users.clone())
    }

    /// The user at whom a partition is split: half of its traffic is before it. `None` for a single user.
    fn middle(&self, partition: usize) -> Option<usize> {
        let Range { start, end } = self.users(partition);
        let half = self.sums.get(start)? + self.share_of(partition) / 2.0;
        let middle = self.sums.partition_point(|sum| *sum < half);
        (end - start > 1).then(|| middle.clamp(start + 1, end - 1))
    }

    fn split(&mut self, partition: usize) -> bool {
        let (middle, Range { start, end }) = (self.middle(partition), self.users(partition));
        let (Some(middle), Some(first)) = (middle, self.partitions.get_mut(partition)) else { return false };
        *first = Partition { users: start..middle, hot_for: 0.0 };
        self.partitions.push(Partition { users: middle..end, hot_for: 0.0 });
        true
    }

    /// Serves one step of so many units a second, and returns the share that is throttled.
    fn step(&mut self, demand: f64) -> f64 {
        let known = self.served.len().saturating_sub((DOUBLING / STEP) as usize - 1);
        let peak = self.served.iter().take(known).copied().fold(0.0, f64::max);
        self.warm = self.warm.max(2.0 * peak);
        self.spread();
        let mut served = 0.0;
        for index in 0..self.partitions.len() {
            let demand = demand * self.share_of(index);
            served += demand.min(PARTITION);
            if let Some(partition) = self.partitions.get_mut(index) {
                partition.hot_for = if demand >= HOT { partition.hot_for + STEP } else { 0.0 };
                if partition.hot_for > SUSTAINED {
                    self.split(index);
                }
            }
        }
        let served = served.min(self.warm + self.saved / STEP);
        self.saved = (self.saved + (self.warm - served) * STEP).clamp(0.0, BURST * self.warm);
        self.served.push(served);
        1.0 - served / demand
    }

    /// What is throttled in the end, when every partition has been split that can be.
    fn settled(mut self, demand: f64) -> f64 {
        const HOURS: usize = 3;
        (0..HOURS * 3_600 / STEP as usize).map(|_| self.step(demand)).last().unwrap_or_default()
    }
}

/// Draws where throttling starts: by the busiest users' share, and after a sudden rise.
pub(crate) fn draw() -> String {
    let by_skew = [0.0, 0.8, 1.0, 1.2].map(|exponent| {
        let demands = (0..=30).map(|step| 1_000.0 * 10_f64.powf(f64::from(step) * 0.075));
        let table = Table::new(USERS, exponent, NEW_TABLE);
        let points = demands.map(|demand| (demand, 100.0 * table.clone().warmed(2.0 * demand).settled(demand)));
        Curve { label: format!("exponent {exponent}"), points: points.collect() }
    });
    let over_time = [
        ("new table", NEW_TABLE, 16_000.0, 16_000.0),
        ("warm throughput of 16,000", 16_000.0, 16_000.0, 16_000.0),
        ("new table, traffic doubles every 30 minutes from 2,000", NEW_TABLE, 2_000.0, 16_000.0),
    ]
    .map(|(label, warm, first, last)| {
        let mut table = Table::new(USERS, 0.8, warm);
        let points = (0..720).map(|step| {
            let time = f64::from(step) * STEP;
            let demand = (first * 2_f64.powf(time / DOUBLING)).min(last);
            (time / 60.0, 100.0 * table.step(demand))
        });
        Curve { label: label.to_owned(), points: points.collect() }
    });
    curves(
        "Where DynamoDB throttles, by its published limits",
        &[
            Panel {
                heading: "Throttled, in percent, by write units a second of a warm table, once partitions are split",
                is_logarithmic: true,
                ticks: &[1_000.0, 10_000.0, 100_000.0],
                curves: &by_skew,
            },
            Panel {
                heading: "Throttled, in percent, by minutes since traffic began, of 16,000 write units a second in the end",
                is_logarithmic: false,
                ticks: &[0.0, 30.0, 60.0, 90.0, 120.0],
                curves: &over_time,
            },
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "{found} instead of {expected}");
    }

    #[test]
    fn one_user_gets_what_one_partition_serves() {
        for demand in [500.0, 1_000.0, 2_000.0, 10_000.0] {
            let expected = f64::max(0.0, 1.0 - PARTITION / demand);
            close(Table::new(1, 1.0, 2.0 * demand).settled(demand), expected);
        }
    }

    #[test]
    fn users_who_are_alike_get_the_whole_table() {
        for demand in [4_000.0, 50_000.0] {
            close(Table::new(10_000, 0.0, 2.0 * demand).settled(demand), 0.0);
        }
    }

    #[test]
    fn the_busiest_user_is_throttled_first() {
        let users: usize = 100_000;
        let busiest = 1.0 / (1..=users).map(|rank| 1.0 / rank as f64).sum::<f64>();
        let second = busiest / 2.0;
        let first_throttled = PARTITION / busiest;
        for (demand, expected) in [
            (0.99 * first_throttled, 0.0),
            (1.5 * first_throttled, busiest - PARTITION / (1.5 * first_throttled)),
            (2.4 * first_throttled, busiest + second - 2.0 * PARTITION / (2.4 * first_throttled)),
        ] {
            close(Table::new(users, 1.0, 2.0 * demand).settled(demand), expected);
        }
    }

    #[test]
    fn new_table_serves_twice_as_much_every_half_hour() {
        let mut table = Table::new(10_000, 0.0, NEW_TABLE);
        let throttled: Vec<_> = (0..400).map(|_| table.step(16_000.0)).collect();
        let minute = |minute: usize| throttled[minute * 6];
        close(minute(5), 0.75);
        // Partitions have been split, and the unused units last a while.
        close(minute(12), 0.5);
        close(minute(29), 0.75);
        close(minute(35), 0.5);
        // Half an hour after the 8,000 units of the twelfth minute.
        close(minute(45), 0.0);
    }

    #[test]
    fn unused_units_last_five_minutes() {
        let mut table = Table::new(10_000, 0.0, 16_000.0);
        (table.warm, table.saved) = (4_000.0, BURST * 4_000.0);
        let throttled: Vec<_> = (0..40).map(|_| table.step(8_000.0)).collect();
        assert!(throttled[..30].iter().all(|share| *share < 1e-6), "{throttled:?}");
        close(throttled[30], 0.5);
    }

    #[test]
    fn page_says_where_throttling_starts() {
        let page = std::fs::read_to_string(xtask::project::root().join("docs/scale.md")).unwrap();
        for (exponent, text, units) in [(0.8, "75,000", 75e3), (1.0, "14,000", 14e3), (1.2, "5,300", 5.3e3)] {
            let first = PARTITION * (1..=USERS).map(|rank| (rank as f64).powf(-exponent)).sum::<f64>();
            assert!((first / units - 1.0).abs() < 0.03 && page.contains(text), "exponent {exponent}: {first}");
        }
    }

    #[test]
    fn picture_is_current() {
        let picture = std::fs::read_to_string(xtask::project::root().join("docs/scale.svg")).unwrap_or_default();
        assert!(picture == draw(), "`cargo xtask bench --partitions` draws docs/scale.svg anew");
    }
}
