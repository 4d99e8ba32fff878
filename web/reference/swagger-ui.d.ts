/** The part of an untyped package that is used here. */
declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  type UpdateJsonSpec<T> = (contract: T) => unknown;
  type Component = (props: { readonly text: string }) => unknown;
  interface System {
    readonly React: { createElement(type: string, props: null, ...children: string[]): unknown };
  }
  interface Plugin<T> {
    readonly wrapComponents: Record<string, (original: Component) => Component>;
    readonly statePlugins: {
      readonly spec: {
        readonly wrapActions: { readonly updateJsonSpec: (original: UpdateJsonSpec<T>) => UpdateJsonSpec<T> };
      };
    };
  }
  interface Request {
    readonly headers: Record<string, string>;
  }
  interface SwaggerUI {
    preauthorizeApiKey(scheme: string, token: string): void;
  }
  interface Options<T> {
    readonly domNode: Element | null;
    readonly url: string;
    readonly deepLinking: boolean;
    readonly displayRequestDuration: boolean;
    readonly validatorUrl: null;
    readonly requestInterceptor: (request: Request) => Promise<Request>;
    readonly onComplete: () => void;
    readonly plugins: readonly ((system: System) => Plugin<T>)[];
  }
  export default function SwaggerUIBundle<T>(options: Options<T>): SwaggerUI;
}
