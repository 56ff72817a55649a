//! `uniqueString` and `guid`: Azure's own values.

use uuid::Uuid;

/// Namespace of `guid()`, from Azure's documentation of the function's implementation in PowerShell
/// (learn.microsoft.com, template-functions-string); the official evaluator gives equal values.
const GUID_NAMESPACE: Uuid = Uuid::from_u128(0x11fb06fb_712d_4ddd_98c7_e71bbd588830);

/// `guid(parts…)`: version 5 UUID of the parts joined with dashes.
pub fn guid(parts: &[&str]) -> String {
    Uuid::new_v5(&GUID_NAMESPACE, parts.join("-").as_bytes()).to_string()
}

/// `uniqueString(parts…)`: a 64-bit Murmur hash of the parts joined with dashes, in 13 letters of base 32. Constants
/// are public in ports of Microsoft's ResourceStack library; values are checked against the official evaluator.
pub fn unique_string(parts: &[&str]) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut hash = murmur64(parts.join("-").as_bytes());
    let mut text = String::with_capacity(13);
    for _ in 0..13 {
        text.push(char::from(LETTERS[(hash >> 59) as usize]));
        hash <<= 5;
    }
    text
}

const C1: u32 = 0x239b_961b;
const C2: u32 = 0xab0e_9789;

fn murmur64(data: &[u8]) -> u64 {
    let (mut low, mut high) = (0u32, 0u32);
    let blocks = data.chunks_exact(8);
    let tail = blocks.remainder();
    for block in blocks {
        low ^= mix_low(word(&block[..4]));
        low = low.rotate_left(19).wrapping_add(high).wrapping_mul(5).wrapping_add(0x561c_cd1b);
        high ^= mix_high(word(&block[4..]));
        high = high.rotate_left(13).wrapping_add(low).wrapping_mul(5).wrapping_add(0x0bca_a747);
    }
    low ^= mix_low(word(&tail[..tail.len().min(4)]));
    high ^= mix_high(word(&tail[tail.len().min(4)..]));
    let length = data.len() as u32;
    low ^= length;
    high ^= length;
    low = low.wrapping_add(high);
    high = high.wrapping_add(low);
    low = finish(low);
    high = finish(high);
    low = low.wrapping_add(high);
    high = high.wrapping_add(low);
    u64::from(high) << 32 | u64::from(low)
}

fn mix_low(k: u32) -> u32 {
    k.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2)
}

fn mix_high(k: u32) -> u32 {
    k.wrapping_mul(C2).rotate_left(17).wrapping_mul(C1)
}

fn word(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))
}

fn finish(mut h: u32) -> u32 {
    h = (h ^ h >> 16).wrapping_mul(0x85eb_ca6b);
    h = (h ^ h >> 13).wrapping_mul(0xc2b2_ae35);
    h ^ h >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_official_evaluator() {
        for (parts, expected) in [
            (&["a"][..], "eveiun73364hy"),
            (&["a", "b"], "i3z4v3sp6aooa"),
            (&["/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1"], "jbcjr6kddcemg"),
            (&[""], "aaaaaaaaaaaaa"),
            (&["äö"], "allq6ey2ppjsy"),
        ] {
            assert_eq!(unique_string(parts), expected, "{parts:?}");
        }
        assert_eq!(guid(&["a", "b"]), "2d796349-8c7e-55ec-9624-54ece82ed031");
        assert_eq!(guid(&["a"]), "3703365d-5a9f-59b4-bca7-b9681389e4c1");
    }
}
