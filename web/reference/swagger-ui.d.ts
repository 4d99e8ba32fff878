/** The part of an untyped package that is used here. */
declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  type UpdateJsonSpec<T> = (contract: T) => unknown;
  interface Plugin<T> {
    readonly statePlugins: {
      readonly spec: {
        readonly wrapActions: { readonly updateJsonSpec: (original: UpdateJsonSpec<T>) => UpdateJsonSpec<T> };
      };
    };
  }
  interface Options<T> {
    readonly domNode: Element | null;
    readonly url: string;
    readonly deepLinking: boolean;
    readonly displayRequestDuration: boolean;
    readonly validatorUrl: null;
    readonly plugins: readonly (() => Plugin<T>)[];
  }
  export default function SwaggerUIBundle<T>(options: Options<T>): void;
}
