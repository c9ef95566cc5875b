use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::prelude::*;
use tokio::net::TcpStream;

use crate::processes::{self, Process};
use crate::{EMAIL, PASSWORD, Server, eventually, free_port, repository};

/// A headless browser with a fresh profile, and its driver.
pub struct Browser {
    driver: WebDriver,
    process: Child,
    profile: TempDir,
}

/// Starts a driver and waits until it listens; its address.
async fn serve(program: &OsStr, arguments: &[&str]) -> (Child, String) {
    let port = free_port();
    let process = Command::new(program)
        .arg(format!("--port={port}"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    eventually("the driver to listen", || async move { TcpStream::connect(("127.0.0.1", port)).await.ok() })
        .await;
    (process, format!("http://127.0.0.1:{port}"))
}

/// The repository's options for a browser.
fn options(browser: &str) -> Value {
    let file = std::fs::read_to_string(repository().join("webdriver.json")).unwrap();
    let file: Value = serde_json::from_str(&file).unwrap();
    file[browser].clone()
}

impl Browser {
    /// Starts it with the arguments of the repository's `webdriver.json`.
    pub async fn start() -> Self {
        Self::start_as(TempDir::with_prefix("matinee-profile-").unwrap(), &[]).await
    }

    /// The same on the profile in a folder, as [`Browser::quit_for_profile`] leaves it.
    pub async fn start_on(profile: TempDir) -> Self {
        Self::start_as(profile, &[]).await
    }

    /// The same with further arguments and a fresh profile.
    pub async fn start_with(further: &[&str]) -> Self {
        Self::start_as(TempDir::with_prefix("matinee-profile-").unwrap(), further).await
    }

    async fn start_as(profile: TempDir, further: &[&str]) -> Self {
        // Beside the server's, the driver's HTTP client has no cryptography of its own choice; what was
        // installed before stays.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let chromedriver = std::env::var_os("CHROMEDRIVER").unwrap_or_else(|| "chromedriver".into());
        let (process, address) = serve(&chromedriver, &[]).await;
        let mut options = options("goog:chromeOptions");
        let arguments = options["args"].as_array_mut().unwrap();
        arguments.push(json!(format!("--user-data-dir={}", profile.path().display())));
        arguments.push(json!("--window-size=1280,900"));
        arguments.extend(further.iter().map(|argument| json!(argument)));
        let mut capabilities = DesiredCapabilities::chrome();
        capabilities.set("goog:chromeOptions", options).unwrap();
        capabilities.set("goog:loggingPrefs", json!({"browser": "ALL"})).unwrap();
        let driver = WebDriver::new(address, capabilities).await.unwrap();
        Self { driver, process, profile }
    }

    /// A headless Firefox with a fresh profile, where it is asked for: `GECKODRIVER` names its driver. What
    /// of this type speaks to the browser's own tools does not work there.
    pub async fn start_firefox() -> Option<Self> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let geckodriver = std::env::var_os("GECKODRIVER")?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let on_path =
            |name: &str| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|f| f.is_file());
        let firefox = on_path("firefox").or_else(|| on_path("firefox-esr")).expect("Firefox on the path");
        let profile = TempDir::with_prefix("matinee-profile-").unwrap();
        let root = format!("--profile-root={}", profile.path().display());
        let (process, address) = serve(&geckodriver, &["--log", "fatal", &root]).await;
        let mut options = options("moz:firefoxOptions");
        options["binary"] = json!(firefox);
        options["args"] = json!(["-headless", "-width", "1280", "-height", "900"]);
        let mut capabilities = DesiredCapabilities::firefox();
        capabilities.set("moz:firefoxOptions", options).unwrap();
        let driver = WebDriver::new(address, capabilities).await.unwrap();
        Some(Self { driver, process, profile })
    }

    /// The driver itself.
    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// Opens an address.
    pub async fn open(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
    }

    /// The address that is open now.
    pub async fn address(&self) -> String {
        self.driver.current_url().await.unwrap().to_string()
    }

    /// Waits until the address contains `part`.
    pub async fn arrives_at(&self, part: &str) {
        eventually(&format!("the address to contain {part}"), || async move {
            self.address().await.contains(part).then_some(())
        })
        .await;
    }

    /// Signs in through the page with [`EMAIL`] and [`PASSWORD`] and waits for the library.
    pub async fn sign_in(&self, server: &Server) {
        self.sign_in_at(&server.url()).await;
    }

    /// The same at the site's address, without a trailing slash.
    pub async fn sign_in_at(&self, site: &str) {
        self.send_credentials(site).await;
        self.arrives_at("/library").await;
    }

    /// The same without waiting.
    pub async fn send_credentials(&self, site: &str) {
        self.open(&format!("{site}/login")).await;
        self.fill("Email", EMAIL).await;
        self.fill("Password", PASSWORD).await;
        self.button("Sign in").await.click().await.unwrap();
    }

    /// Types into the field with this label.
    pub async fn fill(&self, label: &str, text: &str) {
        let path = format!(
            "//label[normalize-space()='{label}']//input \
             | //input[@aria-label='{label}' or @id=//label[normalize-space()='{label}']/@for]"
        );
        let field = self.find(&path).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// The button with this accessible name, once it is shown. The pointer moves meanwhile, as a viewer's
    /// does who looks for controls that have faded.
    pub async fn button(&self, name: &str) -> WebElement {
        let path = format!("//button[@aria-label='{name}' or normalize-space()='{name}']");
        for offset in [0, 7] {
            self.driver.action_chain().move_to(300 + offset, 300).perform().await.unwrap();
        }
        self.find(&path).await
    }

    /// The link that plays a film, by its title: `Play …`, `Resume …`, `Watch live …` or, of an event to
    /// come, `Open …`.
    pub async fn film(&self, title: &str) -> WebElement {
        self.find(&format!("//a[contains(@href,'/watch') and contains(@aria-label,'{title}')]")).await
    }

    /// The link to a film's own page, by its title.
    pub async fn film_page(&self, title: &str) -> WebElement {
        self.find(&format!("//a[contains(@href,'/film/') and contains(normalize-space(),'{title}')]")).await
    }

    /// Waits until the page's text contains `words`.
    pub async fn says(&self, words: &str) {
        let path = "return document.body.innerText";
        eventually(&format!("the page to say “{words}”"), || async move {
            let text: String = self.eval(path).await;
            text.contains(words).then_some(())
        })
        .await;
    }

    /// Runs a script's body in the page and gives what it returns; a promise is awaited.
    pub async fn eval<T: serde::de::DeserializeOwned>(&self, script: &str) -> T {
        self.driver
            .execute(script, vec![])
            .await
            .unwrap_or_else(|e| panic!("{script}: {e}"))
            .convert()
            .unwrap()
    }

    /// Waits until a script gives something that is neither null nor false.
    pub async fn until(&self, what: &str, script: &str) -> Value {
        eventually(what, || async move {
            let value: Value = self.eval(script).await;
            (!value.is_null() && value != Value::Bool(false)).then_some(value)
        })
        .await
    }

    /// Runs a script in every page from now on, before the page's own.
    pub async fn before_each_page(&self, script: &str) {
        let arguments = json!({ "source": script });
        self.driver.cdp().send_raw("Page.addScriptToEvaluateOnNewDocument", arguments).await.unwrap();
    }

    /// Lets no answer come from the browser's own cache, from now on.
    pub async fn without_cache(&self) {
        for (command, arguments) in
            [("Network.enable", json!({})), ("Network.setCacheDisabled", json!({ "cacheDisabled": true }))]
        {
            self.driver.cdp().send_raw(command, arguments).await.unwrap();
        }
    }

    /// Octets in memory of the processes that run pages, as Linux counts them (`VmRSS`).
    pub fn memory(&self) -> u64 {
        let renderers = self.processes().into_iter().filter(|process| process.kind == "renderer");
        renderers.map(|process| process.resident).sum()
    }

    /// Its processes and what they have taken so far.
    pub fn processes(&self) -> Vec<Process> {
        processes::below(self.process.id())
    }

    /// Counts of the page's main thread and heap by name, as the browser keeps them: `TaskDuration` and the
    /// like in seconds, `JSHeapUsedSize` in octets. They begin with the first call, and with each page.
    pub async fn metrics(&self) -> BTreeMap<String, f64> {
        let cdp = self.driver.cdp();
        cdp.send_raw("Performance.enable", json!({})).await.unwrap();
        let answer = cdp.send_raw("Performance.getMetrics", json!({})).await.unwrap();
        let metrics = answer["metrics"].as_array().unwrap().iter();
        metrics
            .filter_map(|metric| Some((metric["name"].as_str()?.to_owned(), metric["value"].as_f64()?)))
            .collect()
    }

    /// Forgets all cookies.
    pub async fn delete_cookies(&self) {
        self.driver.delete_all_cookies().await.unwrap();
    }

    /// Ends the browser.
    pub async fn quit(self) {
        let _ = self.driver.clone().quit().await;
    }

    /// Ends the browser and gives what it keeps on disk.
    pub async fn quit_for_profile(mut self) -> TempDir {
        let nothing = TempDir::with_prefix("matinee-profile-").unwrap();
        let profile = std::mem::replace(&mut self.profile, nothing);
        self.quit().await;
        // The driver answers before the browser has written everything and is gone.
        let lock = profile.path().join("SingletonLock");
        eventually("the browser to end", || {
            let gone = lock.symlink_metadata().is_err();
            async move { gone.then_some(()) }
        })
        .await;
        profile
    }

    async fn find(&self, path: &str) -> WebElement {
        eventually(path, || async move {
            let element = self.driver.find(By::XPath(path)).await.ok()?;
            element.is_displayed().await.ok()?.then_some(element)
        })
        .await
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A session that was not quit is a failed test's: nobody waits for it.
        let _ = self.driver.clone().leak();
        let _ = self.process.kill();
        let _ = self.process.wait();
        let profile = self.profile.path().display().to_string();
        let _ = Command::new("pkill").args(["-KILL", "-f", &profile]).status();
    }
}
