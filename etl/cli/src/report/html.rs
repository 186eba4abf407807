//! Markup in which every text is escaped: what comes from a tenant can't become markup.

use std::fmt::Write;

/// A piece of markup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Html(String);

impl Html {
    /// Nothing.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds markup that this program wrote.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Adds a text, escaped for content and for quoted attributes. Control characters, which no page may hold, become `�`,
    /// and so do marks that turn the direction of the text around them.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\n' | '\t' => self.0.push(letter),
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => self.0.push('\u{fffd}'),
                letter if letter.is_control() => self.0.push('\u{fffd}'),
                letter => self.0.push(letter),
            }
        }
        self
    }

    /// Adds a number, with one decimal place.
    pub(super) fn number(&mut self, number: f64) -> &mut Self {
        // Writing to a String can't fail; what isn't a number has no place in a picture.
        let number = if number.is_finite() { number } else { 0.0 };
        write!(self.0, "{number:.1}").ok();
        self
    }

    /// Adds other markup.
    pub(super) fn html(&mut self, other: &Self) -> &mut Self {
        self.0.push_str(&other.0);
        self
    }

    /// An element with a text and a class.
    pub(super) fn element(&mut self, name: &'static str, class: &'static str, text: &str) -> &mut Self {
        self.raw("<").raw(name).raw(" class=\"").raw(class).raw("\">").text(text).raw("</").raw(name).raw(">")
    }

    /// The text.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// A table; the columns in `right` hold numbers. Each cell has the name of its column as an attribute, which narrow screens
/// show beside it.
pub(super) fn table(header: &[&str], right: &[usize], rows: &[Vec<String>]) -> Html {
    let mut html = Html::new();
    html.raw("<div class=\"scroll\"><table><thead><tr>");
    for (column, name) in header.iter().enumerate() {
        html.element("th", if right.contains(&column) { "r" } else { "l" }, name);
    }
    html.raw("</tr></thead><tbody>");
    for row in rows {
        html.raw("<tr>");
        for (column, (cell, name)) in row.iter().zip(header).enumerate() {
            let class = if right.contains(&column) { "r" } else { "l" };
            html.raw("<td class=\"").raw(class).raw("\" data-column=\"").text(name).raw("\">").text(cell).raw("</td>");
        }
        html.raw("</tr>");
    }
    html.raw("</tbody></table></div>");
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        let mut html = Html::new();
        html.element("td", "l", "<script>alert('x')</script> & \"Þór\"\u{0}");
        assert_eq!(
            html.finish(),
            "<td class=\"l\">&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;Þór&quot;\u{fffd}</td>"
        );
        let mut html = Html::new();
        html.text("\u{202e}fdp.exe\u{202c} \u{2067}x\u{2069} \u{1b}[1m\u{9b}");
        assert_eq!(html.finish(), "\u{fffd}fdp.exe\u{fffd} \u{fffd}x\u{fffd} \u{fffd}[1m\u{fffd}");
        let mut html = Html::new();
        html.number(f64::NAN).raw(" ").number(1.25);
        assert_eq!(html.finish(), "0.0 1.2");
    }
}
