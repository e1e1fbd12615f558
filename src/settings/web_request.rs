//! Settings `unkey.request_*`: what unkey_pre_request asks about a request. Only superusers set them, because whoever does
//! decides what requests cost.

use std::ffi::{CStr, CString};

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};

type Text = GucSetting<Option<CString>>;

static HEADER: Text = Text::new(None);
static IP_HEADER: Text = Text::new(None);
static API_ID: Text = Text::new(None);
static RATELIMITS: Text = Text::new(None);
static COST: GucSetting<i32> = GucSetting::<i32>::new(1);

/// `unkey.request_header`: name of the header that brings the key; `None` (default) for `apikey` or else `Authorization: Bearer`.
pub fn header() -> Option<String> {
    text(&HEADER)
}

/// `unkey.request_ip_header`: name of the header in which a proxy says where a request comes from; `None` (default) for none.
pub fn ip_header() -> Option<String> {
    text(&IP_HEADER)
}

/// `unkey.request_api_id`: the API that keys must be of; `None` (default) for any.
pub fn api_id() -> Option<String> {
    text(&API_ID)
}

/// `unkey.request_ratelimits`: JSON of the limits that a request counts; `None` (default) for those that apply by themselves.
pub fn ratelimits() -> Option<String> {
    text(&RATELIMITS)
}

/// `unkey.request_cost`: credits of a request that may write.
pub fn cost() -> i64 {
    COST.get().into()
}

fn text(setting: &Text) -> Option<String> {
    let text = setting.get()?.to_string_lossy().into_owned();
    (!text.is_empty()).then_some(text)
}

/// Registers them.
pub(super) fn register() {
    define(
        c"unkey.request_header",
        c"Name of the header that brings the key of a request; empty for apikey, or else Authorization: Bearer.",
        c"Concerns unkey_pre_request and unkey_authenticate_request. Only superusers may set it.",
        &HEADER,
    );
    define(
        c"unkey.request_ip_header",
        c"Name of the header whose last address is that of the client, as a proxy sets it; empty for none.",
        c"Only behind a proxy that always sets it: a client can send any header. Only superusers may set it.",
        &IP_HEADER,
    );
    define(
        c"unkey.request_api_id",
        c"The API whose keys unkey_pre_request accepts; empty for any.",
        c"Only superusers may set it.",
        &API_ID,
    );
    define(
        c"unkey.request_ratelimits",
        c"Limits that unkey_pre_request counts, as the ratelimits of unkey_verify_key; empty for those that apply by themselves.",
        c"In names, {method} and {path} stand for those of the request. Only superusers may set it.",
        &RATELIMITS,
    );
    GucRegistry::define_int_guc(
        c"unkey.request_cost",
        c"Credits that unkey_pre_request spends on a request that may write; one in a read-only transaction spends none.",
        c"Only superusers may set it.",
        &COST,
        0,
        i32::MAX,
        GucContext::Suset,
        GucFlags::default(),
    );
}

fn define(name: &'static CStr, short: &'static CStr, long: &'static CStr, setting: &'static Text) {
    GucRegistry::define_string_guc(name, short, long, setting, GucContext::Suset, GucFlags::default());
}
