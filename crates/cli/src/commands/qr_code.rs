//! QR codes in a terminal (ISO/IEC 18004).

use qrcode::{Color, EcLevel, QrCode};

/// Light modules on each side. The standard wants four; two are enough for cameras, and what others leave in
/// a terminal.
const QUIET: usize = 2;
/// Columns that every terminal has. What needs more is not drawn: broken lines are no code.
const COLUMNS: usize = 80;
/// Before each row.
const INDENT: &str = "  ";
/// Black on white, whatever colours the terminal has: of the 256 colours, these are left alone by themes.
const INK: &str = "\u{1b}[38;5;16;48;5;231m";
const PLAIN: &str = "\u{1b}[0m";

/// A text as rows of half blocks, each two modules high, with the terminal's escape sequences for black and
/// white. `None`: it is too long.
pub(crate) fn drawn(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let side = code.width() + 2 * QUIET;
    if side + INDENT.len() > COLUMNS {
        return None;
    }
    let is_dark = |x: usize, y: usize| {
        let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < code.width());
        inside(x).zip(inside(y)).is_some_and(|at| code[at] == Color::Dark)
    };
    let row = |y: usize| {
        let blocks = (0..side).map(|x| match (is_dark(x, y), is_dark(x, y + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        });
        format!("{INDENT}{INK}{}{PLAIN}", blocks.collect::<String>())
    };
    Some((0..side).step_by(2).map(row).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of modules, dark ones true, as a camera sees the half blocks.
    fn seen(drawn: &str) -> Vec<Vec<bool>> {
        let half = |row: &str, lower: bool| {
            let blocks = row.strip_prefix(INDENT).unwrap().strip_prefix(INK).unwrap();
            let dark = |block: char| match block {
                '█' => true,
                '▀' => !lower,
                '▄' => lower,
                ' ' => false,
                other => panic!("{other:?}"),
            };
            blocks.strip_suffix(PLAIN).unwrap().chars().map(dark).collect::<Vec<_>>()
        };
        drawn.lines().flat_map(|row| [half(row, false), half(row, true)]).collect()
    }

    /// A112: the three squares by which cameras find a code, light all around, and the crate's own modules.
    #[test]
    fn a112_a_code_is_drawn_as_it_is_with_light_around() {
        let link = "https://films.example/activate?code=K7QX2M";
        let drawn = drawn(link).unwrap();
        let seen = seen(&drawn);
        let side = seen[0].len();
        assert!(seen.iter().all(|row| row.len() == side) && side + INDENT.len() <= COLUMNS);
        assert!(drawn.lines().count() < 24, "it is seen whole in a small terminal");
        let is_light = |x: usize, y: usize| !seen[y][x];
        for at in 0..side {
            for edge in [0, 1, side - 2, side - 1] {
                assert!(is_light(at, edge) && is_light(edge, at), "{at} {edge}");
            }
        }
        let last = side - QUIET - 7;
        for (left, top) in [(QUIET, QUIET), (last, QUIET), (QUIET, last)] {
            for (x, y) in (0..7).flat_map(|x| (0..7).map(move |y| (x, y))) {
                let ring = (x as i32 - 3).abs().max((y as i32 - 3).abs());
                assert_eq!(seen[top + y][left + x], ring != 2, "{left} {top}: {x} {y}");
            }
        }
        let code = QrCode::with_error_correction_level(link, EcLevel::L).unwrap();
        for (x, y) in (0..code.width()).flat_map(|x| (0..code.width()).map(move |y| (x, y))) {
            assert_eq!(seen[y + QUIET][x + QUIET], code[(x, y)] == Color::Dark);
        }
    }

    #[test]
    fn what_is_too_long_for_a_terminal_is_not_drawn() {
        assert!(drawn(&format!("https://films.example/{}", "a".repeat(200))).is_some());
        assert_eq!(drawn(&format!("https://films.example/{}", "a".repeat(2_000))), None);
        assert_eq!(drawn(&"a".repeat(5_000)), None);
    }
}
