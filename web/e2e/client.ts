/** The client's entry points in one module, for measurements in a browser. */
export * from "daylist-client";
export * from "daylist-client/indexeddb";
export * from "daylist-client/sync";
