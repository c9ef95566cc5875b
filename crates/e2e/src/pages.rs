use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use axum::Router;
use tower_http::services::ServeDir;

/// Serves on an origin of its own, until the process ends: on a thread of its own, because tests block
/// theirs.
///
/// # Panics
/// When there is no port.
pub fn serve_pages(pages: Router) -> SocketAddr {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, pages).await.unwrap();
        });
    });
    address
}

/// The page of players of others and their scripts, on an origin of its own: its URL, without a trailing
/// slash. `None` where the scripts are not installed: `MATINEE_PLAYERS` names the folder in which npm
/// installed them.
pub fn serve_players() -> Option<String> {
    let scripts = PathBuf::from(std::env::var_os("MATINEE_PLAYERS")?).join("node_modules");
    let pages = crate::repository().join("crates/e2e/www/players");
    let both = ServeDir::new(pages).fallback(ServeDir::new(scripts));
    // What `@matinee/eme` tells each player.
    let adapters = ServeDir::new(crate::repository().join("pkg/eme/adapters"));
    let pages = Router::new().nest_service("/adapters", adapters).fallback_service(both);
    let address = serve_pages(pages);
    Some(format!("http://127.0.0.1:{}", address.port()))
}
