//! The comparison as a picture: CPU time as multiples of the no-op's, readable on light and on dark pages.

use std::fmt::Write;

use super::report::{BY_HAND_GET, BY_HAND_LIST, Report, Transport};

const WIDTH: f64 = 760.0;
/// Where bars begin, and how much is left for the figure behind the longest.
const LEFT: f64 = 190.0;
const RIGHT: f64 = 120.0;
const BAR: f64 = 14.0;
const ROW: f64 = 48.0;
const TOP: f64 = 58.0;

/// A row: what is done, by hand and by a function, in multiples of the no-op.
struct Row {
    label: &'static str,
    by_hand: Option<f64>,
    function: f64,
    amount: String,
}

/// Draws what was measured of reading, listing and creating.
pub(super) fn draw(report: &Report) -> String {
    let rows = rows(report);
    let longest = rows.iter().map(|row| row.function.max(row.by_hand.unwrap_or_default())).fold(1.0, f64::max);
    let scale = (WIDTH - LEFT - RIGHT) / longest;
    let height = TOP + ROW * f64::from(u32::try_from(rows.len()).unwrap_or_default()) + 24.0;
    let no_op = LEFT + scale;
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0}" role="img" aria-label="CPU time as multiples of a function that does nothing">
<style>
text {{ font: 13px system-ui, sans-serif; fill: #1f2328 }}
.quiet {{ fill: #59636e }}
.function {{ fill: #0a69da }}
.by-hand {{ fill: #9aa4ae }}
.no-op {{ stroke: #59636e; stroke-dasharray: 3 3 }}
@media (prefers-color-scheme: dark) {{
text {{ fill: #e6edf3 }}
.quiet {{ fill: #9198a1 }}
.function {{ fill: #4493f8 }}
.by-hand {{ fill: #6e7681 }}
.no-op {{ stroke: #9198a1 }}
}}
</style>
<text x="0" y="16" font-weight="600">CPU time, as multiples of a function that does nothing</text>
<rect class="function" x="{LEFT}" y="28" width="12" height="12" rx="2"/><text class="quiet" x="{0}" y="39">this project</text>
<rect class="by-hand" x="{1}" y="28" width="12" height="12" rx="2"/><text class="quiet" x="{2}" y="39">by hand, without SDK or runtime</text>
<line class="no-op" x1="{no_op:.1}" x2="{no_op:.1}" y1="48" y2="{3:.0}"/>
"#,
        LEFT + 18.0,
        LEFT + 110.0,
        LEFT + 128.0,
        height - 20.0,
    );
    for (index, row) in (0_u32..).zip(&rows) {
        let y = TOP + ROW * f64::from(index);
        // Writing to a string does not fail.
        let _ = writeln!(svg, r#"<text x="0" y="{:.0}">{}</text>"#, y + 12.0, row.label);
        let _ = bar(&mut svg, "function", y, row.function * scale, &format!("{:.1} ×  ({})", row.function, row.amount));
        if let Some(by_hand) = row.by_hand {
            let _ = bar(&mut svg, "by-hand", y + BAR + 3.0, by_hand * scale, &format!("{by_hand:.1} ×"));
        }
    }
    let _ = writeln!(
        svg,
        r#"<text class="quiet" x="{no_op:.1}" y="{:.0}" text-anchor="middle">no-op</text>"#,
        height - 4.0
    );
    svg + "</svg>\n"
}

fn bar(svg: &mut String, class: &str, y: f64, length: f64, figure: &str) -> std::fmt::Result {
    writeln!(svg, r#"<rect class="{class}" x="{LEFT}" y="{y:.0}" width="{length:.1}" height="{BAR}" rx="2"/>"#)?;
    let (x, y) = (LEFT + length + 6.0, y + 12.0);
    writeln!(svg, r#"<text class="quiet" x="{x:.1}" y="{y:.0}">{figure}</text>"#)
}

fn rows(report: &Report) -> Vec<Row> {
    let cold = |label, name: &str, by_hand: Option<&str>| {
        let measured = |name: &str| report.cold(name, Transport::Tls);
        let by_hand = by_hand.and_then(measured).map(|row| row.answer_ratio.median);
        let own = measured(name)?;
        let amount = format!("{:.1} ms", own.answer_cpu.median);
        Some(Row { label, by_hand, function: own.answer_ratio.median, amount })
    };
    let warm = |label, name: &str, by_hand: Option<&str>| {
        let measured = |name: &str| report.warm(name, Transport::Plain);
        let by_hand = by_hand.and_then(measured).map(|row| row.ratio.median);
        let own = measured(name)?;
        let amount = format!("{:.0} µs", own.cpu.median);
        Some(Row { label, by_hand, function: own.ratio.median, amount })
    };
    let rows = [
        cold("cold start, get a task", "get-task", Some(BY_HAND_GET)),
        cold("cold start, list 50 tasks", "list-tasks", Some(BY_HAND_LIST)),
        cold("cold start, create a task", "create-task", None),
        warm("warm, get a task", "get-task", Some(BY_HAND_GET)),
        warm("warm, list 50 tasks", "list-tasks", Some(BY_HAND_LIST)),
        warm("warm, create a task", "create-task", None),
    ];
    rows.into_iter().flatten().collect()
}
