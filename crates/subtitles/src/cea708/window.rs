//! A window: rows of letters with a pen (CTA-708-E, section 8).

/// A window of a service.
#[derive(Debug)]
pub(super) struct Window {
    /// The command's octets but the styles.
    definition: [u8; 5],
    pub(super) visible: bool,
    /// One at least; each is as long as what was written into it.
    rows: Vec<Vec<char>>,
    /// Letters of a row: 1 to 64.
    columns: usize,
    row: usize,
    column: usize,
}

impl Window {
    pub(super) fn new(definition: [u8; 5]) -> Self {
        let mut window = Self { definition, visible: false, rows: Vec::new(), columns: 1, row: 0, column: 0 };
        window.apply(definition);
        window
    }

    /// Another definition keeps the text that has room in it; the same changes nothing.
    pub(super) fn redefine(&mut self, definition: [u8; 5]) {
        if definition != self.definition {
            self.apply(definition);
        }
    }

    /// Visible is bit 5 of the first octet; one row and one column less than there are stand in the last two.
    fn apply(&mut self, definition: [u8; 5]) {
        let [first, _, _, rows, columns] = definition;
        self.definition = definition;
        self.visible = first & 0x20 != 0;
        self.columns = usize::from(columns & 0x3f) + 1;
        self.rows.resize(usize::from(rows & 0x0f) + 1, Vec::new());
        self.rows.iter_mut().for_each(|row| row.truncate(self.columns));
        self.place(self.row, self.column);
    }

    /// From 0 at the top to 100: of 75 lines, or of a hundred where the definition is relative.
    pub(super) fn height(&self) -> u32 {
        let line = u32::from(self.definition[1] & 0x7f);
        if self.definition[1] & 0x80 == 0 { line * 100 / 75 } else { line }
    }

    /// Whether its upper edge is what is placed, in the upper third.
    pub(super) fn is_at_top(&self) -> bool {
        self.definition[3] >> 4 <= 2 && self.height() <= 33
    }

    /// The rows that are not blank, without blanks around them.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        let text = |row: &Vec<char>| row.iter().collect::<String>().trim().to_owned();
        self.rows.iter().map(text).filter(|line| !line.is_empty())
    }

    /// Writes a letter at the pen; what has no room begins the next row.
    pub(super) fn write(&mut self, letter: char) {
        if self.column >= self.columns {
            self.next_row();
        }
        if let Some(row) = self.rows.get_mut(self.row) {
            if row.len() <= self.column {
                row.resize(self.column + 1, ' ');
            }
            row[self.column] = letter;
            self.column += 1;
        }
    }

    pub(super) fn place(&mut self, row: usize, column: usize) {
        self.row = row.min(self.rows.len().saturating_sub(1));
        self.column = column.min(self.columns - 1);
    }

    /// The begin of the next row; behind the last one all move up.
    pub(super) fn next_row(&mut self) {
        self.column = 0;
        if self.row + 1 < self.rows.len() {
            self.row += 1;
            return;
        }
        self.rows.rotate_left(1);
        if let Some(last) = self.rows.last_mut() {
            last.clear();
        }
    }

    pub(super) fn clear_row(&mut self) {
        self.column = 0;
        if let Some(row) = self.rows.get_mut(self.row) {
            row.clear();
        }
    }

    pub(super) fn back(&mut self) {
        self.column = self.column.saturating_sub(1);
        if let Some(letter) = self.rows.get_mut(self.row).and_then(|row| row.get_mut(self.column)) {
            *letter = ' ';
        }
    }

    pub(super) fn clear(&mut self) {
        self.rows.iter_mut().for_each(Vec::clear);
        self.place(0, 0);
    }
}
