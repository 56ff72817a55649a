//! `azcliprod.blob.core.windows.net`: where az looks for newer versions of itself.

use super::http::Reply;
use super::routes::{Answer, Call, Route, Service};
use crate::claims::Sure;

const SOURCE: &str = "azure-cli `azure/cli/core/util.py`: the update check takes a 404 as no news";

/// Rows of this service.
pub const ROUTES: &[Route] = &[
    Route::of(Service::CliFiles, "HEAD", "/{*file}", nothing).known_from(SOURCE, Sure::High),
    Route::of(Service::CliFiles, "GET", "/{*file}", nothing).known_from(SOURCE, Sure::High),
];

fn nothing(_: &Call<'_>) -> Answer {
    Ok(Reply::empty(404))
}
