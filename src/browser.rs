//! What not every browser has: looked up by name, and left out quietly where it is missing.

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};

/// A member of an object; `undefined` where there is none.
pub fn get(of: &JsValue, name: &str) -> JsValue {
    Reflect::get(of, &name.into()).unwrap_or_default()
}

/// An object with these members.
pub fn object<const N: usize>(members: [(&str, JsValue); N]) -> JsValue {
    let object = Object::new();
    for (name, value) in members {
        let _ = Reflect::set(&object, &name.into(), &value);
    }
    object.into()
}

/// Calls a method. `None`: there is none, or it threw.
pub fn call(of: &JsValue, name: &str, arguments: &[JsValue]) -> Option<JsValue> {
    let method = get(of, name).dyn_into::<Function>().ok()?;
    method.apply(of, &arguments.iter().collect::<Array>()).ok()
}

/// The same for a method that gives a promise.
pub fn promise(of: &JsValue, name: &str, arguments: &[JsValue]) -> Option<JsFuture> {
    Some(JsFuture::from(call(of, name, arguments)?.dyn_into::<Promise>().ok()?))
}

/// The same where nobody waits for the promise: a refusal is the browser's to explain.
pub fn tell(of: &JsValue, name: &str, arguments: &[JsValue]) {
    if let Some(promise) = promise(of, name, arguments) {
        spawn_local(async move { drop(promise.await) });
    }
}
