import { Api, type ApiOptions } from '../../hack/rig/api.js';
import { plane } from './plane.js';

/** The API as the administrator of the shared plane sees it, or the user of another kubeconfig. */
export class TestApi extends Api {
  static override async connect(kubeconfig?: string, options: ApiOptions = {}): Promise<TestApi> {
    return super.connect(kubeconfig ?? (await plane()).kubeconfig, options);
  }
}
