//! Choices, taken from the bytes of an input one after the other.
//!
//! A byte chooses among `n` things by its remainder. The digits do so by their value where `n` divides
//! 48, which lets people write seeds.

/// What is left of an input.
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl Input<'_> {
    /// Returns the next byte, if there is one.
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// Returns a number below `n`: 0 at the end of the input.
    pub(super) fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte().unwrap_or_default()) % n
    }
}
