//! Pictures as inline SVG. Colours are classes, so that the page decides them for light and dark.

use super::html::Html;

/// Width of every picture in its own units: about as wide as a phone, so that text stays readable there.
const WIDTH: f64 = 360.0;
/// Height of a line of text.
const LINE: f64 = 18.0;

/// A picture's series: the class that colours it, and what it is called.
#[derive(Debug, Clone, Copy)]
pub(super) struct Series {
    pub(super) class: &'static str,
    pub(super) name: &'static str,
}

/// A row of a bar chart or a column of a column chart.
#[derive(Debug, Clone, Default)]
pub(super) struct Item {
    pub(super) label: String,
    /// One value a series.
    pub(super) values: Vec<f64>,
    /// What stands beside it, and in the tooltip.
    pub(super) note: String,
}

/// Horizontal bars, stacked by series, with the label above and the note at the right. The longest has the full width.
pub(super) fn bars(title: &str, series: &[Series], items: &[Item]) -> Html {
    bars_up_to(0.0, title, series, items)
}

/// The same, where a bar of the full width stands for `full` at least: small values stay short among themselves.
pub(super) fn bars_up_to(full: f64, title: &str, series: &[Series], items: &[Item]) -> Html {
    let largest =
        items.iter().map(|item| item.values.iter().map(|value| value.max(0.0)).sum::<f64>()).fold(full, f64::max);
    let row = LINE * 1.9;
    let mut svg = open(title, row * items.len() as f64 + 4.0);
    for (index, item) in items.iter().enumerate() {
        let top = row * index as f64;
        label(&mut svg, 0.0, top + 13.0, "start", &shorten(&item.label, room(&item.note)));
        label(&mut svg, WIDTH, top + 13.0, "end", &item.note);
        let mut x = 0.0;
        for (value, series) in item.values.iter().zip(series) {
            let width = if largest > 0.0 { value.max(0.0) / largest * WIDTH } else { 0.0 };
            bar(&mut svg, series.class, [x, top + 18.0, width, 9.0], &format!("{}: {}", item.label, item.note));
            x += width;
        }
    }
    close(svg, series)
}

/// Height of the columns of a picture.
const HEIGHT: f64 = 120.0;

/// Columns in the order of time, stacked by series. The first and the last are labelled, and the highest value.
pub(super) fn columns(title: &str, series: &[Series], items: &[Item], highest: &str) -> Html {
    let whole = |item: &Item| item.values.iter().map(|value| value.max(0.0)).sum::<f64>();
    let largest = items.iter().map(whole).fold(0.0, f64::max);
    drawn(title, series, items, highest, |svg, item, [x, width]| {
        let mut bottom = LINE + HEIGHT;
        for (value, series) in item.values.iter().zip(series) {
            let height = share(*value, largest) * HEIGHT;
            bottom -= height;
            bar(svg, series.class, [x, bottom, width, height], &format!("{}: {}", item.label, item.note));
        }
    })
}

/// The same with the series side by side, for what doesn't add up.
pub(super) fn pairs(title: &str, series: &[Series], items: &[Item], highest: &str) -> Html {
    let largest = items.iter().flat_map(|item| item.values.iter().copied()).fold(0.0, f64::max);
    drawn(title, series, items, highest, |svg, item, [x, width]| {
        let width = width / series.len().max(1) as f64;
        for (at, (value, series)) in item.values.iter().zip(series).enumerate() {
            let height = share(*value, largest) * HEIGHT;
            let place = [x + width * at as f64, LINE + HEIGHT - height, width, height];
            bar(svg, series.class, place, &format!("{}: {}", item.label, item.note));
        }
    })
}

fn share(value: f64, largest: f64) -> f64 {
    if largest > 0.0 { value.max(0.0) / largest } else { 0.0 }
}

/// A picture of columns; `column` draws one at its place and with its width.
fn drawn(
    title: &str,
    series: &[Series],
    items: &[Item],
    highest: &str,
    column: impl Fn(&mut Html, &Item, [f64; 2]),
) -> Html {
    let mut svg = open(title, HEIGHT + 3.0 * LINE);
    label(&mut svg, 0.0, 12.0, "start", highest);
    let step = WIDTH / items.len().max(1) as f64;
    let width = (step * 0.8).min(40.0);
    for (index, item) in items.iter().enumerate() {
        column(&mut svg, item, [step * index as f64 + (step - width) / 2.0, width]);
    }
    svg.raw("<line class=\"axis\" x1=\"0\" x2=\"360\" y1=\"")
        .number(LINE + HEIGHT)
        .raw("\" y2=\"")
        .number(LINE + HEIGHT);
    svg.raw("\"/>");
    let below = LINE + HEIGHT + 15.0;
    if let Some(first) = items.first() {
        label(&mut svg, 0.0, below, "start", &first.label);
    }
    if let (Some(last), true) = (items.last(), items.len() > 1) {
        label(&mut svg, WIDTH, below, "end", &last.label);
    }
    close(svg, series)
}

fn open(title: &str, height: f64) -> Html {
    let mut svg = Html::new();
    svg.raw("<svg role=\"img\" viewBox=\"0 0 360 ").number(height).raw("\" aria-label=\"").text(title).raw("\">");
    svg
}

/// Ends a picture; a legend is only needed where there is something to tell apart.
fn close(mut svg: Html, series: &[Series]) -> Html {
    svg.raw("</svg>");
    if series.len() > 1 {
        svg.raw("<p class=\"legend\">");
        for series in series {
            svg.raw("<span class=\"key ").raw(series.class).raw("\"></span>").element("span", "name", series.name);
        }
        svg.raw("</p>");
    }
    svg
}

fn bar(svg: &mut Html, class: &'static str, [x, y, width, height]: [f64; 4], tooltip: &str) {
    if width <= 0.0 || height <= 0.0 {
        return;
    }
    // What is there has to be seen.
    let width = width.max(1.0);
    let height = height.max(1.0);
    svg.raw("<rect class=\"").raw(class).raw("\" x=\"").number(x).raw("\" y=\"").number(y);
    svg.raw("\" width=\"").number(width).raw("\" height=\"").number(height).raw("\"><title>").text(tooltip);
    svg.raw("</title></rect>");
}

fn label(svg: &mut Html, x: f64, y: f64, anchor: &'static str, text: &str) {
    svg.raw("<text text-anchor=\"").raw(anchor).raw("\" x=\"").number(x).raw("\" y=\"").number(y).raw("\">").text(text);
    svg.raw("</text>");
}

/// Letters that a label may have beside a note: both are on one line.
fn room(note: &str) -> usize {
    const LINE_LETTERS: usize = 58;
    LINE_LETTERS.saturating_sub(note.chars().count()).clamp(12, 38)
}

fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: [Series; 1] = [Series { class: "a", name: "hours" }];

    #[test]
    fn bars_are_as_long_as_their_values() {
        let item =
            |label: &str, value: f64| Item { label: label.to_owned(), values: vec![value], note: value.to_string() };
        let svg = bars("hours", &ONE, &[item("<b>", 10.0), item("half", 5.0), item("none", 0.0), item("less", -3.0)])
            .finish();
        assert_eq!(svg.matches("<rect").count(), 2, "nothing is drawn for nothing:\n{svg}");
        assert!(svg.contains("width=\"360.0\"") && svg.contains("width=\"180.0\""), "{svg}");
        assert!(svg.contains("&lt;b&gt;") && !svg.contains("<b>"), "{svg}");
        assert!(!svg.contains("legend"), "one series explains itself");
    }

    #[test]
    fn small_values_stay_short_where_the_width_stands_for_more() {
        let item = Item { values: vec![6.0], ..Item::default() };
        let svg = bars_up_to(24.0, "age", &ONE, std::slice::from_ref(&item)).finish();
        assert!(svg.contains("width=\"90.0\""), "a quarter of 360: {svg}");
        assert!(
            bars_up_to(3.0, "age", &ONE, &[item]).finish().contains("width=\"360.0\""),
            "never longer than the picture"
        );
    }

    #[test]
    fn a_label_leaves_room_for_its_note() {
        let item = |note: &str| Item { label: "x".repeat(60), values: vec![1.0], note: note.to_owned() };
        let svg = bars("x", &ONE, &[item("1"), item(&"n".repeat(30)), item(&"n".repeat(90))]).finish();
        for letters in [37, 27, 11] {
            assert!(svg.contains(&format!(">{}…<", "x".repeat(letters))), "{letters}: {svg}");
        }
    }

    #[test]
    fn stacked_columns_add_up_to_the_highest() {
        let two = [Series { class: "a", name: "new" }, Series { class: "b", name: "changed" }];
        let item = |label: &str, values: [f64; 2]| Item {
            label: label.to_owned(),
            values: values.to_vec(),
            ..Item::default()
        };
        let svg = columns("rows", &two, &[item("Jan", [30.0, 10.0]), item("Feb", [20.0, 0.0])], "40 rows").finish();
        for height in ["90.0", "30.0", "60.0"] {
            assert!(svg.contains(&format!("height=\"{height}\"")), "{height}:\n{svg}");
        }
        assert!(svg.contains(">Jan<") && svg.contains(">Feb<") && svg.contains("40 rows") && svg.contains("legend"));
        let beside = pairs("rows", &two, &[item("Jan", [30.0, 10.0]), item("Feb", [20.0, 0.0])], "30 rows").finish();
        for (height, count) in [("120.0", 1), ("40.0", 1), ("80.0", 1)] {
            assert_eq!(beside.matches(&format!("height=\"{height}\"")).count(), count, "{height}:\n{beside}");
        }
        assert!(!columns("rows", &two, &[], "").finish().contains("rect"), "an empty picture is one all the same");
    }
}
