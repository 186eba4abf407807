//! The boxes that the page is made of.

use super::html::Html;
use super::words::whole;

/// A box.
pub(super) fn card(html: &mut Html, title: &str, content: &Html) {
    html.raw("<section class=\"card\">").element("h3", "t", title).html(content).raw("</section>");
}

/// A box over the whole width.
pub(super) fn wide(html: &mut Html, title: &str, content: &Html) {
    html.raw("<section class=\"card wide\">").element("h3", "t", title).html(content).raw("</section>");
}

/// Says what isn't shown of a list, where that is something.
pub(super) fn more(html: &mut Html, all: usize, shown: usize, what: &str) {
    if let Some(more) = all.checked_sub(shown).filter(|more| *more > 0) {
        html.html(&sentence(&format!("{} more {what}.", whole(more as f64))));
    }
}

/// A text in place of a picture, or below one.
pub(super) fn sentence(text: &str) -> Html {
    let mut html = Html::new();
    html.element("p", "soft", text);
    html
}
