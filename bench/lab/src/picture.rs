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
polyline { fill: none; stroke-width: 2 }
.axis { stroke: #d1d9e0; stroke-width: 1 }
.c0 { stroke: #0a69da }
.c1 { stroke: #1a7f37 }
.c2 { stroke: #9a6700 }
.c3 { stroke: #cf222e }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.quiet { fill: #9198a1 }
.ours { fill: #4493f8 }
.other { fill: #6e7681 }
.axis { stroke: #3d444d }
.c0 { stroke: #4493f8 }
.c1 { stroke: #3fb950 }
.c2 { stroke: #d29922 }
.c3 { stroke: #f85149 }
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
    image("CPU time, as multiples of a function that does nothing (no-op)", y, &shapes)
}

/// Percentages from 0 to 100 over a quantity.
pub(crate) struct Panel<'a> {
    pub(crate) heading: &'a str,
    pub(crate) is_logarithmic: bool,
    /// Labelled values of the quantity. The first is where the axis begins.
    pub(crate) ticks: &'a [f64],
    /// At most as many as there are colors.
    pub(crate) curves: &'a [Curve],
}

/// A line through points.
pub(crate) struct Curve {
    pub(crate) label: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Draws panels below one another.
pub(crate) fn curves(title: &str, panels: &[Panel<'_>]) -> String {
    const HEIGHT: f64 = 170.0;
    const LINE: f64 = 18.0;
    let (mut shapes, mut y) = (String::new(), TOP);
    for Panel { heading, is_logarithmic, ticks, curves } in panels {
        let _ = writeln!(shapes, r#"<text x="0" y="{:.0}" font-weight="600">{heading}</text>"#, y + HEADING - 14.0);
        y += HEADING;
        let scale = |x: f64| if *is_logarithmic { x.log10() } else { x };
        let begin = ticks.first().copied().map_or(0.0, scale);
        let all = curves.iter().flat_map(|curve| &curve.points);
        let end = all.map(|(x, _)| scale(*x)).fold(begin + f64::EPSILON, f64::max);
        let across = |x: f64| LEFT + (WIDTH - LEFT - 20.0) * (scale(x) - begin) / (end - begin);
        let top = y;
        let down = |percent: f64| top + HEIGHT * (1.0 - percent / 100.0);
        for percent in [0.0, 50.0, 100.0] {
            let at = down(percent);
            let _ = writeln!(
                shapes,
                r#"<line class="axis" x1="{LEFT}" y1="{at:.0}" x2="{WIDTH}" y2="{at:.0}"/>
<text class="quiet" x="{:.0}" y="{:.0}" text-anchor="end">{percent:.0} %</text>"#,
                LEFT - 6.0,
                at + 4.0
            );
        }
        for tick in *ticks {
            let (at, base) = (across(*tick), y + HEIGHT + LINE);
            let tick = if *tick < 1e3 { format!("{tick:.0}") } else { format!("{:.0},000", tick / 1e3) };
            let _ =
                writeln!(shapes, r#"<text class="quiet" x="{at:.0}" y="{base:.0}" text-anchor="middle">{tick}</text>"#);
        }
        y += HEIGHT + LINE;
        for (number, Curve { label, points }) in curves.iter().enumerate() {
            let y_of_label = y + LINE * (number + 1) as f64;
            let points = points
                .iter()
                .map(|(x, percent)| format!("{:.1},{:.1}", across(*x), down(*percent) - 0.5 * number as f64));
            let points = points.collect::<Vec<_>>().join(" ");
            let _ = writeln!(
                shapes,
                r#"<polyline class="c{number}" points="{points}"/>
<line class="c{number}" x1="{LEFT}" y1="{0:.0}" x2="{1}" y2="{0:.0}" stroke-width="2"/>
<text class="quiet" x="{2}" y="{y_of_label:.0}">{label}</text>"#,
                y_of_label - 4.0,
                LEFT + 24.0,
                LEFT + 32.0,
            );
        }
        y += LINE * curves.len() as f64 + 8.0;
    }
    image(title, y, &shapes)
}

fn image(title: &str, height: f64, shapes: &str) -> String {
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0}" role="img" aria-label="{title}">
<style>
{STYLE}
</style>
<text x="0" y="16">{title}</text>
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
