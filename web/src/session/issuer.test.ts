import { afterEach, describe, expect, it, vi } from "vitest";
import { Issuer, Refusal } from "./issuer";

const ADA = { name: "Ada", email: "ada@example.com", password: "correct horse" };
const USER = { id: "1", name: ADA.name, email: ADA.email };

/** A Better Auth server that returns this response to every request. */
function issuer(status: number, body: object): Issuer {
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify(body), { status }));
  return new Issuer("https://auth.example");
}

describe("Issuer", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("returns the user of a new session", async () => {
    expect(await issuer(200, { token: "session", user: USER }).signUp(ADA)).toEqual(USER);
  });

  it("asks to verify a new address", async () => {
    const unverified = new Refusal("Open the link in the email we sent you, then sign in.");
    await expect(issuer(200, { token: null, user: USER }).signUp(ADA)).rejects.toThrow(unverified);
    const refusal = { code: "EMAIL_NOT_VERIFIED", message: "Email not verified" };
    await expect(issuer(403, refusal).signIn(ADA)).rejects.toThrow(unverified);
  });

  it("explains a refusal in words of its own", async () => {
    for (const [code, words] of [
      ["INVALID_EMAIL_OR_PASSWORD", "No account matches"],
      ["USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL", "already exists"],
      ["PASSWORD_TOO_SHORT", "at least 8"],
      ["FAILED_TO_CREATE_USER", "did not accept that"],
    ] as const) {
      const refused = issuer(422, { code, message: "[body.name] Invalid input" }).signUp(ADA);
      await expect(refused).rejects.toThrow(words);
    }
  });
});
