//! Texts that a spreadsheet shows and neither computes nor refuses.

use std::borrow::Cow;

use super::output::{Output, thousands};

/// The longest text that a cell of Excel holds, in UTF-16 units.
const LONGEST: usize = 32_767;

/// What becomes of the cells of a CSV file.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cells {
    safe: bool,
    /// Texts that were cut.
    cut: u64,
}

impl Cells {
    /// Cells as they are, or safe ones.
    pub(crate) fn new(safe: bool) -> Self {
        Self { safe, cut: 0 }
    }

    pub(crate) fn is_safe(self) -> bool {
        self.safe
    }

    /// A text that is no number: what a spreadsheet would take for a formula gets an apostrophe in front, what is longer than a
    /// cell is cut.
    pub(crate) fn text<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        if !self.safe {
            return Cow::Borrowed(text);
        }
        let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
            Cow::Owned(format!("'{text}"))
        } else {
            Cow::Borrowed(text)
        };
        // A character takes at most as many units as bytes.
        if text.len() <= LONGEST || text.encode_utf16().count() <= LONGEST {
            return text;
        }
        self.cut += 1;
        let mut units = 0;
        let fits = |letter: &char| {
            units += letter.len_utf16();
            units <= LONGEST
        };
        Cow::Owned(text.chars().take_while(fits).collect())
    }

    /// Says what isn't whole.
    pub(crate) fn tell(self, output: &Output) {
        if self.cut > 0 {
            let texts =
                if self.cut == 1 { "1 text was".to_owned() } else { format!("{} texts were", thousands(self.cut)) };
            output.note(&format!(
                "{texts} cut to the {} characters that a spreadsheet's cell holds: without --spreadsheet-safe nothing is",
                thousands(LONGEST as u64)
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_a_formula() {
        let mut cells = Cells::new(true);
        for text in ["=1+1", "+49 30", "-2", "@SUM(A1)", "\tx", "\r=x"] {
            assert_eq!(cells.text(text), format!("'{text}"));
            assert_eq!(Cells::new(false).text(text), text);
        }
        for text in ["", "1=1", "Þór", "'=x", " =x"] {
            assert_eq!(cells.text(text), text);
        }
        assert_eq!(cells.cut, 0);
    }

    #[test]
    fn a_text_fits_a_cell_of_excel() {
        let mut cells = Cells::new(true);
        assert_eq!(cells.text(&"x".repeat(32_767)).len(), 32_767);
        assert_eq!(cells.cut, 0);
        assert_eq!(cells.text(&"x".repeat(32_768)).len(), 32_767);
        assert_eq!(cells.text(&format!("={}", "x".repeat(32_767))).len(), 32_767);
        // Outside the first plane a character is two units.
        assert_eq!(cells.text(&"😀".repeat(20_000)).chars().count(), 16_383);
        assert_eq!(cells.cut, 3);
        assert_eq!(Cells::new(false).text(&"x".repeat(40_000)).len(), 40_000);
    }
}
