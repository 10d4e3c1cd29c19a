#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    mimecast_ttp_fuzz::entry::connection_string(input);
});
