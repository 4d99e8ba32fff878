//! Draws the comparison as a bar chart for light and dark pages: CPU time as multiples of the no-op's.

use std::fmt::Write;

use crate::NO_OP;
use crate::peers::{FASTAPI, NAIVE_RUST, NODE};
use crate::report::{Report, Transport, find};

const WIDTH: f64 = 760.0;
/// Where bars begin, and the space for the figure after the longest.
const LEFT: f64 = 110.0;
const RIGHT: f64 = 150.0;
const BAR: f64 = 14.0;
const ROW: f64 = 20.0;
/// The height of a group's heading.
const HEADING: f64 = 42.0;
const TOP: f64 = 20.0;

/// Each group's heading and operation, and whether it shows cold starts.
const GROUPS: [(&str, &str, bool); 3] = [
    ("Cold start: from the start of the process to the first task, over TLS", "get-task", true),
    ("Warm: a task", "get-task", false),
    ("Warm: a list of 50 tasks", "list-tasks", false),
];

const STYLE: &str = "text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.quiet { fill: #59636e }
.ours { fill: #0a69da }
.other { fill: #9aa4ae }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.quiet { fill: #9198a1 }
.ours { fill: #4493f8 }
.other { fill: #6e7681 }
}";

/// A bar, in multiples of the no-op.
struct Bar {
    label: &'static str,
    ratio: f64,
    amount: String,
}

/// Draws the figures of the no-op, this project, and the peers. The bars of a group share one linear scale.
pub(crate) fn draw(report: &Report) -> String {
    let (mut shapes, mut y) = (String::new(), TOP);
    for (heading, operation, is_cold) in GROUPS {
        let bars = bars(report, operation, is_cold);
        let longest = bars.iter().map(|bar| bar.ratio).fold(1.0, f64::max);
        let _ = writeln!(shapes, r#"<text x="0" y="{:.0}" font-weight="600">{heading}</text>"#, y + HEADING - 14.0);
        y += HEADING;
        for Bar { label, ratio, amount } in bars {
            let class = if label == OURS { "ours" } else { "other" };
            let (length, base) = ((WIDTH - LEFT - RIGHT) * ratio / longest, y + 12.0);
            // Writing to a string does not fail.
            let _ = writeln!(
                shapes,
                r#"<text class="quiet" x="0" y="{base:.0}">{label}</text>
<rect class="{class}" x="{LEFT}" y="{y:.0}" width="{length:.1}" height="{BAR}" rx="1"/>
<text class="quiet" x="{:.1}" y="{base:.0}">{} × ({amount})</text>"#,
                LEFT + length + 6.0,
                figure(ratio),
            );
            y += ROW;
        }
    }
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y:.0}" role="img" aria-label="CPU time as multiples of a function that does nothing">
<style>
{STYLE}
</style>
<text x="0" y="16">CPU time, as multiples of a function that does nothing (no-op)</text>
{shapes}</svg>
"#
    )
}

const OURS: &str = "this project";

fn bars(report: &Report, operation: &str, is_cold: bool) -> Vec<Bar> {
    let peer = |name: &'static str| (name, format!("{name}: {operation}"));
    let subjects =
        [(NO_OP, NO_OP.to_owned()), (OURS, operation.to_owned()), peer(NAIVE_RUST), peer(NODE), peer(FASTAPI)];
    let bars = subjects.into_iter().map(|(label, name)| {
        if is_cold {
            let row = find(&report.cold, &name, Transport::Tls)?;
            Some(Bar { label, ratio: row.to_no_op.median, amount: format!("{} ms", figure(row.cpu.median)) })
        } else {
            let row = find(&report.warm, &name, Transport::Plain)?;
            Some(Bar { label, ratio: row.to_no_op.median, amount: format!("{:.0} µs", row.cpu.median) })
        }
    });
    bars.flatten().collect()
}

/// Formats small values with one decimal.
fn figure(value: f64) -> String {
    if value < 10.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::example;

    #[test]
    fn every_group_shows_the_no_op_this_project_and_the_peers() {
        let peers = [NAIVE_RUST, NODE, FASTAPI];
        let of_peers = peers.iter().flat_map(|peer| ["get-task", "list-tasks"].map(|name| format!("{peer}: {name}")));
        let names: Vec<_> = [NO_OP, "get-task", "list-tasks"].map(str::to_owned).into_iter().chain(of_peers).collect();
        let picture = draw(&example(&names.iter().map(String::as_str).collect::<Vec<_>>(), None));
        for label in peers.into_iter().chain([NO_OP, OURS]) {
            assert_eq!(picture.matches(&format!(">{label}</text>")).count(), GROUPS.len(), "{label}");
        }
        assert_eq!(picture.matches(r#"class="ours""#).count(), GROUPS.len());
    }
}
